import { mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { StateFile } from '../state/state-file.ts';
import { makeAnnouncing, makeCalling } from '../testing/announcing.ts';
import { makeOutgoing } from '../testing/gates.ts';
import { TestJournals } from '../testing/journals.ts';
import { keptLog } from '../testing/kept-log.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Troubles } from '../troubles.ts';
import { FollowLoop } from './follow-loop.ts';

const soon = { timeout: 20_000 };
const since = '2026-11-20T10:00:00.000Z';

async function begin(write?: typeof writeFileAtomic) {
  const volumes = scratchFolder();
  const folder = scratchFolder();
  const journals = new TestJournals(volumes);
  let now = 0;
  const start = async () => {
    const state = await StateFile.open(folder, room, bot, write);
    const { logger, lines } = keptLog();
    const troubles = new Troubles();
    const announcing = makeAnnouncing(volumes);
    const follow = new FollowLoop({
      state,
      announcing,
      calling: makeCalling(),
      troubles,
      logger,
      now: () => now,
      clock: () => now,
    });
    return { state, troubles, follow, lines };
  };
  const ask = async (id: string, plan = 'the plan', run?: string) => {
    const task = makeWaitingTask(plan, { id, ...(run === undefined ? {} : { run }) });
    const taskFolder = await writeWaitingTask(volumes, task);
    await journals.says('approval_requested', task.record);
    return { ...task, folder: taskFolder };
  };
  const queue = (id: string) =>
    journals.says('task_requeued', makeRecord({ status: 'queued', wait: null, since, reason: '' }, { id }));
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { volumes, journals, start, ask, queue, pass, ...(await start()) };
}

const asked = (state: StateFile) => state.now.outgoing.map(({ request, content }) => request?.task ?? content['body']);

test('at the first start only what waits now is told, at any later one everything since', async () => {
  const { journals, ask, queue, state, follow, start } = await begin();
  for (let index = 0; index < listenerLimits.outgoing + 20; index += 1)
    await journals.append(null, { event: 'message', summary: `old ${index}` });
  await ask('aa');
  await queue('aa');
  await ask('bb');
  await follow.turn();
  expect(asked(state)).toEqual(['bb']);
  await follow.turn();
  expect(asked(state)).toEqual(['bb']);

  await ask('cc');
  await journals.append(null, { event: 'message', summary: 'new' });
  const later = await start();
  await later.follow.turn();
  expect(asked(later.state)).toEqual(['bb', 'new', 'cc']);
  await later.follow.turn();
  expect(asked(later.state)).toEqual(['bb', 'new', 'cc']);
});

test('a start before there is any journal is a first start nevertheless', async () => {
  const { journals, state, follow } = await begin();
  await follow.turn();
  expect(state.now.journals).toEqual({});
  await journals.append(null, { event: 'message', summary: 'the first line' });
  await follow.turn();
  expect(asked(state)).toEqual(['the first line']);
});

test('what cannot be kept is told when it can be', async () => {
  let isFull = false;
  const { journals, follow, state } = await begin((...args) =>
    isFull ? Promise.reject(new Error('ENOSPC')) : writeFileAtomic(...args),
  );
  await follow.turn();
  await journals.append(null, { event: 'message', summary: 'one' });
  isFull = true;
  await expect(follow.turn()).rejects.toThrow('ENOSPC');
  await journals.append(null, { event: 'message', summary: 'two' });
  isFull = false;
  await follow.turn();
  expect(asked(state)).toEqual(['one', 'two']);
});

test('a journal whose end is still being written costs no writing here', async () => {
  let written = 0;
  const { journals, follow, state, ask } = await begin((...args) => {
    written += 1;
    return writeFileAtomic(...args);
  });
  await ask('aa');
  await journals.close();
  await follow.turn();
  writeFileSync(journals.pathOf('RUN-20261120-001'), '{"half":', { flag: 'a' });
  const before = written;
  await follow.turn();
  await follow.turn();
  expect([written, asked(state)]).toEqual([before, ['aa']]);
});

test('a request that is superseded between its event and its bundle is never shown', async () => {
  const { ask, queue, state, follow, pass, volumes } = await begin();
  await follow.turn();
  await ask('aa', 'the first plan');
  // The next bundle lies there already; its event does not.
  const next = makeWaitingTask('the second plan', { id: 'aa' });
  await writeWaitingTask(volumes, next);
  await follow.turn();
  pass(listenerLimits.settleMs);
  await follow.turn();
  expect(asked(state)).toEqual([]);
  await queue('aa');
  await ask('aa', 'the second plan');
  await follow.turn();
  expect(state.now.outgoing.map(({ request }) => request?.digest)).toEqual([next.view.digest]);
});

test('A07 when what is asked for stays another one, the room is warned, once', async () => {
  const { ask, state, follow, pass } = await begin();
  await follow.turn();
  const { folder } = await ask('aa');
  writeFileSync(join(folder, 'bundle.json'), '{}');
  await follow.turn();
  pass(listenerLimits.settleMs + 1);
  await follow.turn();
  await follow.turn();
  expect(asked(state)).toEqual([expect.stringContaining('DO NOT APPROVE')]);
});

test('A07 at the first start, too, a request is given the time to be replaced', async () => {
  const { ask, queue, state, follow, pass } = await begin();
  const { folder } = await ask('aa');
  writeFileSync(join(folder, 'bundle.json'), '{}');
  await follow.turn();
  expect([state.now.journals, asked(state)]).toEqual([null, []]);
  await queue('aa');
  await ask('aa', 'the second plan');
  await follow.turn();
  expect(asked(state)).toEqual(['aa']);
  const other = await ask('bb');
  writeFileSync(join(other.folder, 'bundle.json'), '{}');
  await follow.turn();
  pass(listenerLimits.settleMs + 1);
  await follow.turn();
  expect(asked(state)).toEqual(['aa', expect.stringContaining('DO NOT APPROVE')]);
});

test('a request that cannot be shown holds up no other run', async () => {
  const { ask, state, follow } = await begin();
  await follow.turn();
  const { folder } = await ask('aa');
  rmSync(join(folder, 'bundle.json'));
  await ask('bb', 'the plan', 'RUN-20261120-002');
  await follow.turn();
  expect(asked(state)).toEqual(['bb']);
});

test('a journal that cannot be read is said and holds up no other', async () => {
  const { ask, state, follow, volumes } = await begin();
  await follow.turn();
  mkdirSync(join(volumes, 'runs', 'RUN-20261119-001', 'telemetry.jsonl'), { recursive: true });
  await ask('bb');
  await expect(follow.turn()).rejects.toThrow('EISDIR');
  expect(asked(state)).toEqual(['bb']);
});

test('A26 while too much waits to be sent, no more is read', async () => {
  const { journals, follow, state, ask } = await begin();
  await follow.turn();
  for (let index = 0; index < listenerLimits.outgoing; index += 1)
    await journals.append(null, { event: 'message', summary: `${index}` });
  await ask('bb');
  await follow.turn();
  expect(state.now.outgoing).toHaveLength(listenerLimits.outgoing);
  await follow.turn();
  expect(asked(state)).not.toContain('bb');
  await state.update((next) => void next.outgoing.splice(0, 1));
  await follow.turn();
  expect(asked(state)).toContain('bb');
});

test('journals that are gone for a while are told once', async () => {
  const { journals, ask, follow, state, volumes } = await begin();
  await follow.turn();
  await journals.append(null, { event: 'message', summary: 'one' });
  await ask('aa');
  await follow.turn();
  renameSync(join(volumes, 'runs'), join(volumes, 'elsewhere'));
  await follow.turn();
  renameSync(join(volumes, 'elsewhere'), join(volumes, 'runs'));
  await journals.append(null, { event: 'message', summary: 'two' });
  await follow.turn();
  expect(asked(state)).toEqual(['one', 'aa', 'two']);
});

test('of a journal that was replaced by a shorter one only what waits now is told, and it is said', async () => {
  const { journals, ask, follow, state, lines } = await begin();
  await follow.turn();
  for (const text of ['one', 'two', 'three']) await journals.append(null, { event: 'message', summary: text });
  for (const id of ['aa', 'bb']) await ask(id);
  await follow.turn();
  await journals.close();
  for (const run of [null, 'RUN-20261120-001']) truncateSync(journals.pathOf(run), 0);
  await journals.append(null, { event: 'message', summary: 'of another past' });
  await ask('cc');
  await follow.turn();
  expect(asked(state)).toEqual(['one', 'two', 'three', 'aa', 'bb', 'cc']);
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  await journals.append(null, { event: 'message', summary: 'four' });
  await follow.turn();
  expect(asked(state)).toEqual(['one', 'two', 'three', 'aa', 'bb', 'cc', 'four']);
});

test('only a verdict that the journals do not hold is late', async () => {
  const { journals, start, state, follow, pass } = await begin();
  await follow.turn();
  const at = new Date(0).toISOString();
  await state.update((next) => {
    for (const command of ['there', 'missing'])
      next.issued.push({ command, answerTo: `$${command}`, at, stands: 'waiting', owesSign: false });
  });
  const data = { command: 'there', kind: 'approve', channel: 'matrix', evidence: '$there' };
  await journals.append(null, { event: 'command_accepted', summary: 'done', data });
  pass(listenerLimits.verdictPatienceMs + 1);
  const later = await start();
  const stop = new AbortController();
  const running = later.follow.run(stop.signal);
  await expect.poll(() => asked(later.state)).toEqual(['Accepted: done', expect.stringMatching(/^Kept: /)]);
  stop.abort();
  await running;
});

test.each([
  ['what waits to be sent', true],
  ['the length of its journal', false],
])('a verdict that is unread for %s is not told to be late', async (_, isFull) => {
  const { journals, state, follow, start, pass } = await begin();
  await follow.turn();
  await state.update((next) => {
    const at = new Date(0).toISOString();
    next.issued.push({ command: 'there', answerTo: '$there', at, stands: 'waiting', owesSign: false });
    if (isFull)
      for (let index = 0; index < listenerLimits.outgoing; index += 1) next.outgoing.push(makeOutgoing(`${index}`));
  });
  if (!isFull)
    for (let index = 0; index < 300; index += 1)
      await journals.append(null, { event: 'message', summary: 'x'.repeat(4_000) });
  const data = { command: 'there', kind: 'approve', channel: 'matrix', evidence: '$there' };
  await journals.append(null, { event: 'command_accepted', summary: 'done', data });
  pass(listenerLimits.verdictPatienceMs + 1);
  const later = await start();
  // The loop takes it back at the end of a turn.
  later.troubles.set('journals', 'waiting', 'no turn was made yet');
  const stop = new AbortController();
  const running = later.follow.run(stop.signal);
  await expect.poll(() => later.troubles.report.status, soon).toBe('ok');
  expect(later.state.now.issued[0]?.stands).toBe('waiting');
  // The messages are sent, and the journal is read on.
  await expect
    .poll(async () => {
      await later.state.update((next) => void next.outgoing.splice(0, 50));
      return later.state.now.issued[0]?.stands;
    }, soon)
    .not.toBe('waiting');
  stop.abort();
  await running;
  expect(later.state.now.issued[0]?.stands).toBe('answered');
  expect(asked(later.state)).not.toContainEqual(expect.stringMatching(/^Kept: /));
});

test('the loop says what keeps it from its work, goes on, and takes it back', async () => {
  const { follow, troubles, volumes, ask, state } = await begin();
  await follow.turn();
  const stop = new AbortController();
  const odd = join(volumes, 'runs', 'RUN-20261119-001', 'telemetry.jsonl');
  mkdirSync(odd, { recursive: true });
  const running = follow.run(stop.signal);
  await expect
    .poll(() => troubles.report)
    .toMatchObject({
      status: 'waiting',
      reason: expect.stringMatching(/^the journals under runs\/ cannot be read: .*EISDIR/),
    });
  rmSync(odd, { recursive: true });
  await ask('aa');
  await expect.poll(() => troubles.report.status, { timeout: 5_000 }).toBe('ok');
  await expect.poll(() => asked(state)).toEqual(['aa']);
  stop.abort();
  await running;
});
