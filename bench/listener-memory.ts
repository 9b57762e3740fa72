/**
 * What the listener holds in memory while a room lives: operator's messages and reactions, and decisions among them, through the
 * real Synapse, the real gateway and the real listener. Prints only, asserts that no decision was lost.
 *
 * Needs Docker and the image countersign/synapse (scripts/up builds it). Run it from the repository's top:
 *
 *     node bench/listener-memory.ts [--events 10000] [--json]
 *
 * Columns: memory in MB (resident set), seconds until the last event was dealt with, and events in a second of those.
 */
import { parseArgs } from 'node:util';
import { reaction, text } from '../test/support/listener-content.ts';
import { ListenerStage } from '../test/support/listener-stage.ts';
import { until } from '../test/support/listener-wait.ts';

const concurrency = 16;
const tasks = 20;
/** Every so many events there is a decision; every so many a reaction. */
const decisionEvery = 100;
const reactionEvery = 5;
/** How long the listener has nothing to do before it is looked at for the last time. */
const restMs = 5_000;
const megabyte = 1024 ** 2;
const quick = { per_second: 10_000, burst_count: 100_000 };

const { values } = parseArgs({
  options: { events: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});
const events = Number(values.events);
await using stage = await ListenerStage.begin('bench', { settings: { rc_message: quick } });
const { listener } = stage.home;
const gates: string[] = [];
for (let task = 0; task < tasks; task += 1) gates.push((await stage.asksFor(`bench-${task}`)).message.event_id);
const before = (await listener.memory()).now;

const started = performance.now();
const decisions: string[] = [];
let next = 0;
await Promise.all(Array.from({ length: concurrency }, () => send()));
const last = await stage.phone.say('approve bench-0');
await stage.commandOf(last, 600_000);
const seconds = (performance.now() - started) / 1_000;
const found = new Set([...(await stage.home.spooled())].map(({ command }) => command.evidence));
const lost = decisions.filter((event) => !found.has(event)).length;
await until('it rests', async () => (await stage.home.kept())?.outgoing.length === 0);
await new Promise((resolve) => setTimeout(resolve, restMs));
const { now: after, peak } = await listener.memory();
report();
process.exitCode = lost === 0 ? 0 : 1;

async function send(): Promise<void> {
  let said = gates[0] ?? '';
  while (next < events) {
    const index = next;
    next += 1;
    if (index % decisionEvery === 0) decisions.push(await stage.phone.say(`approve bench-${index % tasks}`));
    else if (index % reactionEvery === 0) await stage.sends(reaction(said, `👍 ${index}`), { type: 'm.reaction' });
    else said = await stage.sends(text(`message ${index} of a room that is talked in a lot`));
  }
}

function report(): void {
  const measured = {
    events,
    decisions: decisions.length + 1,
    lost,
    before_mb: Math.round(before / megabyte),
    peak_mb: Math.round(peak / megabyte),
    after_mb: Math.round(after / megabyte),
    seconds: Math.round(seconds),
    events_per_second: Math.round(events / seconds),
  };
  if (values.json) return void process.stdout.write(`${JSON.stringify(measured)}\n`);
  const names = Object.keys(measured);
  const row = (cells: readonly unknown[]) =>
    cells.map((cell, at) => String(cell).padStart(names[at]?.length ?? 0)).join('  ');
  process.stdout.write(`${row(names)}\n${row(Object.values(measured))}\n`);
}
