import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Handoff } from '@countersign/contracts/handoff.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { isAlive, killContainer, processesOf, sandboxesOf } from '../support/host-kill.ts';
import { Operator } from '../support/operator.ts';
import { Stack } from '../support/stack.ts';

/** Of each state; with those that ignore every signal, more than 200 in all. */
const ofEach = 18;
const thatIgnoreSignals = 10;
/** Commands given at once. */
const atOnce = 4;

let stack: Stack;
let operator: Operator;

beforeAll(async () => {
  stack = await Stack.up('cancel', async (configs) => {
    const most = Math.max(ofEach, thatIgnoreSignals);
    const agent = join(configs, 'agent.env');
    const settings = (await readFile(agent, 'utf8'))
      .replace(/^MAX_TASKS=.*$/m, `MAX_TASKS=${most}`)
      .replace(/^MAX_TASKS_PER_WORKSPACE=.*$/m, `MAX_TASKS_PER_WORKSPACE=${most}`);
    await writeFile(agent, settings);
    const sandbox = join(configs, 'sandbox.yaml');
    await writeFile(sandbox, (await readFile(sandbox, 'utf8')).replace(/^( +warm:) \d+$/m, '$1 0'));
    const tools = join(configs, 'tools.yaml');
    const deaf = `trap "" INT TERM HUP; echo kept > kept.txt; while :; do sleep 0.2; done`;
    await writeFile(
      tools,
      `${(await readFile(tools, 'utf8')).trimEnd()}\n  deaf:\n    mode: batch\n    cmd: [sh, -c, ${JSON.stringify(deaf)}]\n    timeout_sec: 600\n    step_limit: 60\n    token_budget: 500000\n`,
    );
  });
  operator = await Operator.of(stack);
  await stack.workspace('project');
});
afterAll(() => stack[Symbol.asyncDispose]());
afterEach(async () => {
  await stack.countersign('resume');
});

type Ground = { readonly files: readonly string[]; readonly keys: string; readonly lines: readonly string[] };

/** How tasks come to be in a state and stay there. Each of them writes a file of its own before it is held. */
type Case = {
  readonly what: string;
  readonly status: TaskStatus;
  readonly keys?: string;
  readonly lines?: readonly string[];
  /** Further steps, once all are dropped; then all are waited for in `status`. */
  readonly before?: () => Promise<unknown>;
  readonly after?: (ground: Ground) => Promise<unknown>;
  /** Whether there is work that must be kept. */
  readonly hasWork?: true;
};

const pause = () => must('pause', 'a look at the machine');
const write = 'create kept.txt with kept';
const hold = 'run sleep 300';

const cases: readonly Case[] = [
  { what: 'queued, behind a pause', status: 'queued', before: pause },
  {
    what: 'queued, for another one',
    status: 'queued',
    keys: 'depends_on: first-of-all',
    before: async () => {
      await stack.drop('first-of-all.md', taskOf('id: first-of-all\nstage: staging', [write]));
      await stack.reaches('first-of-all.md', ['pending'], 90_000);
    },
  },
  {
    what: 'queued, its preconditions being checked',
    status: 'queued',
    keys: 'preconditions: ["sleep 300"]',
    after: begun,
  },
  { what: 'planning', status: 'planning', keys: 'stage: staging', lines: ['rehearsal: pause 300s while planning'] },
  { what: 'pending', status: 'pending', keys: 'stage: staging' },
  {
    what: 'approved',
    status: 'approved',
    keys: 'stage: staging',
    after: async ({ files }) => {
      for (const file of files) await stack.reaches(file, ['pending'], 120_000);
      await pause();
      await inTurns(files, (file) => must('approve', file));
    },
  },
  { what: 'running', status: 'running', lines: [write, hold], after: written, hasWork: true },
  { what: 'verifying', status: 'verifying', keys: 'postconditions: ["sleep 300"]', after: begun, hasWork: true },
  { what: 'review', status: 'review', hasWork: true },
  { what: 'rebasing', status: 'rebasing', after: rebased, hasWork: true },
  {
    what: 'interrupted',
    status: 'interrupted',
    lines: [write, hold],
    after: async (ground) => {
      await written(ground);
      await pause();
      for (const sandbox of await sandboxesOf(stack)) await killContainer(sandbox.id);
    },
  },
];

test.each(cases)('F13 $what: is cancelled, and nothing of it is left but what it had done', async (one) => {
  const files = Array.from({ length: ofEach }, (_, index) => fileOf(one.what, index));
  await one.before?.();
  const ground = { files, keys: one.keys ?? '', lines: one.lines ?? [write] };
  await dropAll(ground);
  await one.after?.(ground);
  for (const file of files) await stack.reaches(file, [one.status], 180_000);
  await cancelAll(files, one.hasWork === true);
});

test('F13 running with a tool that ignores signals: after all waits it is killed, and what it had done is kept', async () => {
  const files = Array.from({ length: thatIgnoreSignals }, (_, index) => fileOf('deaf', index));
  const ground = { files, keys: 'tool: deaf', lines: ['stay'] };
  await dropAll(ground);
  await written(ground);
  await cancelAll(files, true);
});

test('F13 what is being merged is past being cancelled: it is refused, and the merge comes to its end', async () => {
  await stack.drop('merged.md', taskOf('', [write]));
  const record = await stack.reaches('merged.md', ['review'], 90_000);
  await must('merge', record.id, '--unverified', '--no-wait');
  const { exitCode } = await stack.countersign('cancel', record.id, 'too late');
  const ended = await stack.reaches('merged.md', ['done', 'cancelled'], 90_000);
  // Which of both came first is theirs to say; half of a merge is never an answer.
  const head = await operator.git('project', 'rev-parse', 'main');
  const merged = record.state.result.repositories[0]?.head;
  expect([ended.state.status, exitCode, head === merged]).toEqual(
    ended.state.status === 'done' ? ['done', 1, true] : ['cancelled', 0, false],
  );
});

function fileOf(what: string, index: number): string {
  return `${what.replaceAll(/[^a-z]+/g, '-')}-${index}.md`;
}

function taskOf(keys: string, lines: readonly string[]): string {
  const stage = keys.includes('stage:') ? '' : 'stage: dev\n';
  const numbered = lines.map((line, index) =>
    line.startsWith('rehearsal:') ? `${line}\n` : `${index + 1}. ${line}\n`,
  );
  return `workspace: project\n${stage}${keys}\n\n${numbered.join('')}`;
}

async function dropAll({ files, keys, lines }: Ground): Promise<void> {
  for (const file of files) await stack.drop(file, taskOf(keys, lines));
}

async function must(...words: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await stack.countersign(...words);
  if (exitCode !== 0) throw new Error(`countersign ${words.join(' ')}: ${stdout}${stderr}`);
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += atOnce)
    await Promise.all(items.slice(start, start + atOnce).map(work));
}

/** Until each of them has a sandbox of its own. */
async function begun({ files }: Ground): Promise<void> {
  await expect
    .poll(async () => (await sandboxesOf(stack)).filter(({ state }) => state === 'running').length, {
      timeout: 180_000,
      interval: 500,
    })
    .toBe(files.length);
}

/** Until each of them has written its file in its sandbox. */
async function written(ground: Ground): Promise<void> {
  await begun(ground);
  for (const { id } of await sandboxesOf(stack))
    await expect
      .poll(
        () =>
          execa('docker', ['exec', id, 'test', '-s', '/workspace/kept.txt'], { reject: false }).then(
            ({ exitCode }) => exitCode,
          ),
        {
          timeout: 60_000,
          interval: 500,
        },
      )
      .toBe(0);
}

/** Their results are to be carried over, and there is no launcher to do it with. */
async function rebased({ files }: Ground): Promise<void> {
  for (const file of files) await stack.reaches(file, ['review'], 180_000);
  await operator.put('project', 'moved.txt', `${Date.now()}\n`);
  await operator.commitAll('project', 'moved on');
  await stack.compose('stop', 'launcher');
  await inTurns(files, (file) => must('rebase', file, '--no-wait'));
}

/** Cancels all of them and looks at what is left of each. */
async function cancelAll(files: readonly string[], hasWork: boolean): Promise<void> {
  const before = await Promise.all(files.map((file) => stack.task(file)));
  const sandboxes = await sandboxesOf(stack);
  const processes = (await Promise.all(sandboxes.map(({ id }) => processesOf(id)))).flat();
  const since = new Date();
  await inTurns(files, (file) => must('cancel', file, 'changed my mind', '--no-wait'));
  await stack.compose('start', 'launcher');
  const ended = await Promise.all(files.map((file) => stack.reaches(file, ['cancelled'], 120_000)));

  await expect.poll(() => sandboxesOf(stack), { timeout: 60_000, interval: 500 }).toEqual([]);
  expect(await aliveOf(processes)).toEqual([]);
  const removals = await removedSince(since);
  for (const [index, record] of ended.entries()) {
    const earlier = before[index];
    expect(record.cancellation).toMatchObject({ channel: 'shell', reason: 'changed my mind' });
    expect(await readFile(join(stack.home, 'outbox', 'cancelled', record.file), 'utf8')).toContain(
      'workspace: project',
    );
    const events = (await stack.events(record.run)).filter((event) => event.task_id === record.id);
    expect(events.at(-1)).toMatchObject({ event: 'task_ended', status: 'cancelled' });
    if (hasWork) await expectWorkKept(record);
    const slot = earlier !== undefined && 'slot' in earlier.state ? earlier.state.slot : null;
    const removedAt = slot === null ? undefined : removals.get(slot);
    if (hasWork && removedAt !== undefined) {
      const saved = await stat(join(stack.attemptFolder(record), 'handoff.yaml'));
      expect(saved.mtimeMs).toBeLessThan(removedAt);
    }
  }
}

/** The diff of what it had done, and a handoff that names it. */
async function expectWorkKept(record: TaskRecord): Promise<void> {
  const handoff = Handoff.parse(parse(await readFile(join(stack.attemptFolder(record), 'handoff.yaml'), 'utf8')));
  expect(handoff).toMatchObject({
    task: record.id,
    status: 'cancelled',
    diff: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(handoff.evidence.changed.join()).toContain('kept.txt');
}

async function aliveOf(processes: readonly number[]): Promise<number[]> {
  const alive = await Promise.all(processes.map(isAlive));
  return processes.filter((_, index) => alive[index]);
}

/** When the engine removed each slot's container, in milliseconds. */
async function removedSince(since: Date): Promise<Map<string, number>> {
  const filters = ['--filter', 'event=destroy', '--filter', `label=countersign.project=${stack.project}`];
  const format = '{{index .Actor.Attributes "countersign.sandbox"}} {{.TimeNano}}';
  const span = ['--since', since.toISOString(), '--until', new Date().toISOString()];
  const { stdout } = await execa('docker', ['events', ...span, ...filters, '--format', format]);
  return new Map(
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, number] => {
        const [slot = '', nanoseconds = '0'] = line.split(' ');
        return [slot, Number(nanoseconds) / 1e6];
      }),
  );
}
