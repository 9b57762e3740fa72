/**
 * How soon a tap in the room sets a sandbox to work, how often the phone rings for a task, and how soon a listener that was away has
 * caught up: the whole stack with its own Synapse, in folders of its own. Prints only. Needs the engine and built images, as
 * `scripts/test e2e` leaves them.
 *
 *     node bench/room.ts [--tasks 30] [--backlog 10000] [--json]
 *
 * Columns of the first table, each median, 95th percentile and largest in ms, from the moment in which the phone sends its ✅: until
 * Synapse has taken it; until another client of the operator's, which waits in a sync, is shown it (Synapse's own time); until the first
 * instruction of the task's tool in its sandbox; and what of the last is not Synapse's. Then how often the phone rang for each task
 * that is approved, runs and is merged. Of the backlog: how many events were said while the listener was down, and the seconds from
 * its start until it had read them all.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Phone } from '../test/support/phone.ts';
import { Stack } from '../test/support/stack.ts';
import { type Quantiles, quantiles, row } from './support/figures.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '30' },
    backlog: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
});

/** Writes when it was begun, by the clock that the host has as well; that is its plan, too. */
const stampTool = `
  stamp:
    mode: batch
    cmd: [sh, -c, 'date +%s%3N > stamp.txt; echo "1. write down when it begins" > "$COUNTERSIGN_TASK_FOLDER/out/plan.md"']
    timeout_sec: 60
    step_limit: 1
    token_budget: 1000
`;

type Times = { readonly taken: number; readonly shown: number; readonly begun: number };

/** Waits in a sync for one event, as a client does that shows the room. @returns when it was shown, in ms since 1970 */
async function shownAt(phone: Phone, since: string, event: Promise<string>): Promise<number> {
  const Synced = z.object({
    next_batch: z.string(),
    rooms: z.object({ join: z.record(z.string(), z.unknown()) }).optional(),
  });
  const seen = new Map<string, number>();
  let position = since;
  for (;;) {
    const query = `timeout=30000&since=${encodeURIComponent(position)}`;
    const answer = await phone.http.api('GET', `/sync?${query}`, phone.session.token);
    const at = Date.now();
    position = Synced.parse(answer).next_batch;
    for (const id of JSON.stringify(answer).match(/\$[A-Za-z0-9_-]{43}/g) ?? []) if (!seen.has(id)) seen.set(id, at);
    const found = seen.get(await event);
    if (found !== undefined) return found;
  }
}

async function position(phone: Phone): Promise<string> {
  const answer = await phone.http.api('GET', '/sync?timeout=0', phone.session.token);
  return z.object({ next_batch: z.string() }).parse(answer).next_batch;
}

async function oneTask(stack: Stack, phone: Phone, index: number): Promise<Times & { readonly rings: number }> {
  const file = `tap-${index}.md`;
  await phone.readsAll();
  const before = await phone.notifications();
  const keys = 'workspace: tapped\nstage: staging\ntool: stamp\npostconditions:\n  - test -s stamp.txt\n';
  await stack.drop(file, `${keys}\n\nwrite down when you begin\n`);
  const asked = await phone.receives(['Approval required', file]);
  const since = await position(phone);
  const sent = Date.now();
  const reacted = phone.react(asked.event_id, '✅');
  const taken = reacted.then(() => Date.now() - sent);
  const shown = shownAt(phone, since, reacted);
  const done = await stack.reaches(file, ['review'], 120_000);
  const patch = await readFile(join(stack.attemptFolder(done), 'diffs', 'tapped.patch'), 'utf8');
  const begun = Number(/^\+(\d{13})$/m.exec(patch)?.[1]) - sent;
  const ready = await phone.receives(['Ready to merge', done.id]);
  await phone.react(ready.event_id, '🔀');
  await stack.reaches(file, ['done'], 120_000);
  await phone.receives(['Merged', done.id]);
  const rings = (await phone.notifications()) - before;
  return { taken: await taken, shown: (await shown) - sent, begun, rings };
}

async function sayPatiently(phone: Phone, words: string): Promise<void> {
  for (;;)
    try {
      await phone.say(words);
      return;
    } catch (error) {
      if (!String(error).includes(': 429 ')) throw error;
      await sleep(500);
    }
}

/** Says so many things while the listener is down. @returns the seconds from its start until it answers the last of them */
async function catchUp(stack: Stack, phone: Phone, events: number): Promise<number> {
  await stack.compose('stop', 'matrix-listener');
  const said = Array.from({ length: events }, (_, index) => index);
  // Ten at a time, as fast as the stack's Synapse lets one person talk: one after the other it would take half an hour.
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (said.pop() !== undefined) await sayPatiently(phone, 'talk among people');
    }),
  );
  await sleep(2_000);
  const question = await phone.say('pending');
  const started = performance.now();
  await stack.compose('start', 'matrix-listener');
  await phone.answerTo(question, 300_000);
  return (performance.now() - started) / 1_000;
}

await using stack = await Stack.up('bench-room', async (configs) => {
  await appendFile(join(configs, 'tools.yaml'), stampTool);
});
await stack.workspace('tapped');
const phone = await Phone.login(join((await stack.places()).secrets, 'enrol', 'operator.env'));
const measured: (Times & { rings: number })[] = [];
for (let index = 0; index < Number(values.tasks); index += 1) {
  measured.push(await oneTask(stack, phone, index));
  await sleep(500);
}
const taps = {
  tasks: measured.length,
  taken_ms: quantiles(measured.map(({ taken }) => taken)),
  shown_ms: quantiles(measured.map(({ shown }) => shown)),
  first_instruction_ms: quantiles(measured.map(({ begun }) => begun)),
  beside_synapse_ms: quantiles(measured.map(({ begun, shown }) => begun - shown)),
  rings: quantiles(measured.map(({ rings }) => rings)),
};
const line = (name: string, { p50, p95, max }: Quantiles) => row(name, [p50, p95, max]);
// The backlog takes long, and may not come to its end.
if (!values.json)
  process.stdout.write(
    [
      row(`${taps.tasks} tasks, in ms`, ['p50', 'p95', 'max']),
      line('Synapse has taken the tap', taps.taken_ms),
      line('another client is shown it', taps.shown_ms),
      line('first instruction in the sandbox', taps.first_instruction_ms),
      line('of that not Synapse', taps.beside_synapse_ms),
      line('rings for a task', taps.rings),
    ].join(''),
  );
const events = Number(values.backlog);
const seconds = events === 0 ? null : await catchUp(stack, phone, events);
if (values.json) process.stdout.write(`${JSON.stringify({ ...taps, backlog: { events, seconds } })}\n`);
else if (seconds !== null) process.stdout.write(`${events} events behind: caught up after ${seconds.toFixed(1)} s\n`);
