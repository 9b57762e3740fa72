/**
 * What the stack costs while nothing happens, and how soon it is there: the whole of it, in folders of its own. Prints only. Needs the
 * engine and built images, as `scripts/test e2e` leaves them, and a machine that does nothing else.
 *
 *     node bench/idle.ts [--seconds 120] [--starts 3] [--json]
 *
 * First the seconds that `scripts/up` takes from nothing (volumes, keys and accounts are made) and from a stack that was stopped. Then
 * of each container, over so many seconds: the processor time, in percent of one core, its health checks with it; and the anonymous
 * memory, in MB, as the engine has it of the container's cgroup. The sum leaves out Synapse, the model and the warm sandboxes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Stack } from '../test/support/stack.ts';
import { describeMachine, machineLine, quantiles, row } from './support/figures.ts';
import { notOurs, usageOf } from './support/usage.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    starts: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
/** Until everything that a start brings with it is over: warm sandboxes, a first look at everything. */
const settleMs = 60_000;

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

await using stack = await Stack.made('bench-idle');
const first = await secondsOf(() => stack.mustUp(['--rehearsal', '--json']));
const again: number[] = [];
for (let start = 0; start < Number(values.starts); start += 1) {
  await stack.script('down', []);
  again.push(await secondsOf(() => stack.mustUp()));
}

await sleep(settleMs);
const before = await usageOf(stack.project);
const began = performance.now();
await sleep(seconds * 1_000);
const after = await usageOf(stack.project);
const elapsedMs = performance.now() - began;
const services = [...after].map(([name, { cpuMs, anonymousMb }]) => ({
  name,
  percent: (100 * (cpuMs - (before.get(name)?.cpuMs ?? Number.NaN))) / elapsedMs,
  anonymous_mb: anonymousMb,
}));
const ours = services.filter(({ name }) => !notOurs.has(name));
const sum = {
  percent: ours.reduce((all, { percent }) => all + percent, 0),
  anonymous_mb: ours.reduce((all, { anonymous_mb }) => all + anonymous_mb, 0),
};
const machine = await describeMachine();
const report = { machine, seconds, up_first_s: first, up_again_s: quantiles(again), services, sum };
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else
  process.stdout.write(
    [
      `${machineLine(machine)}; ${seconds} s in which nothing happens\n`,
      row('scripts/up from nothing, s', [first]),
      row('scripts/up of a stopped stack, s', [report.up_again_s.p50]),
      row('', ['% of core', 'anon MB']),
      ...services.map(({ name, percent, anonymous_mb }) => row(name, [percent, anonymous_mb])),
      row('all but Synapse, model and sandboxes', [sum.percent, sum.anonymous_mb]),
    ].join(''),
  );
