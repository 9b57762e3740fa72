import { randomInt } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lineDigest } from '@countersign/kit/chain-scan.ts';
import { describe, expect, test } from 'vitest';
import { auditHome } from '../audit/audit-home.ts';
import { formatFinding } from '../audit/finding.ts';
import { readRoomHeads } from '../audit/room-heads.ts';
import { AuditGround } from '../testing/audit-ground.ts';
import { OperatorHome } from '../testing/operator-home.ts';

const run = 'RUN-20261120-001';
const lateRun = 'RUN-20261121-001';
const journal = `runs/${run}/telemetry.jsonl`;
const task = (id: string) => `runs/${run}/tasks/${id}`;

/** What an audit tells, after something was done. */
async function tells(ground: AuditGround): Promise<string[]> {
  return (await auditHome(ground.home)).findings.map(formatFinding);
}

test('what the runner left is clean', async () => {
  const ground = await AuditGround.make();
  expect(await auditHome(ground.home)).toEqual({ findings: [], notes: [], journals: 3, events: 10, tasks: 4 });
});

test('a home in which nothing has happened is clean', async () => {
  const ground = await AuditGround.make();
  rmSync(ground.path('runs'), { recursive: true });
  for (const folder of ['inbox', 'outbox']) rmSync(ground.path(folder), { recursive: true });
  expect(await tells(ground)).toEqual([]);
});

/** The same lines, each with the hash of the one before, as nobody's but the runner's hand could write them. */
function chained(lines: readonly string[]): string[] {
  let prev = '0'.repeat(64);
  return lines.map((line) => {
    const whole = line.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
    prev = lineDigest(Buffer.from(whole));
    return whole;
  });
}

type Spoil = [name: string, spoil: (ground: AuditGround) => void, told: (string | RegExp)[]];
const spoils: Spoil[] = [
  [
    'a run that was removed',
    (g) => rmSync(g.path(`runs/${lateRun}`), { recursive: true }),
    [`runs/heads.jsonl:2: runs/${lateRun}/telemetry.jsonl is gone, and had 2 lines`],
  ],
  [
    'a journal that was removed',
    (g) => rmSync(g.path(`runs/${lateRun}/telemetry.jsonl`)),
    [`runs/heads.jsonl:2: runs/${lateRun}/telemetry.jsonl is gone, and had 2 lines`],
  ],
  [
    'a cut tail, as of a backup that was put back',
    (g) => g.changeLines(`runs/${lateRun}/telemetry.jsonl`, ([one = '']) => [one]),
    [
      `runs/${lateRun}/telemetry.jsonl:2: it ends here, and had 2 lines (runs/heads.jsonl:2)`,
      `runs/${lateRun}/tasks/ended/task.json: no event of the run tells of this task`,
    ],
  ],
  [
    'a pair of lines that was exchanged',
    (g) => g.changeLines(journal, ([a = '', b = '', c = '', d = '']) => [a, c, b, d]),
    [`${journal}:2: the chain of hashes is broken here`],
  ],
  [
    'a line that was put in',
    (g) => g.changeLines(journal, ([a = '', b = '', ...rest]) => [a, b, b, ...rest]),
    [`${journal}:3: the chain of hashes is broken here`],
  ],
  [
    'a line of something else',
    (g) => g.changeLines(journal, ([a = '', ...rest]) => [a, 'hello', ...rest]),
    [`${journal}:2: not JSON`],
  ],
  [
    'a line behind the last that was made up',
    (g) => appendFileSync(g.path(journal), '{"ts":"x"}\n'),
    [new RegExp(`^${journal}:5: `)],
  ],
  [
    'a last line that was made anew',
    (g) => g.changeLines('runs/telemetry.jsonl', (lines) => lines.map((line) => line.replace('3 ü', '4 ü'))),
    ['runs/telemetry.jsonl:4: this is not the line that runs/heads.jsonl:3 tells of'],
  ],
  [
    'a journal that was written anew, with a whole chain of its own',
    (g) =>
      g.changeLines(journal, (lines) => chained(lines.map((line) => line.replace('"summary":""', '"summary":"x"')))),
    [`${journal}:4: this is not the line that runs/heads.jsonl:1 tells of`],
  ],
  ['heads.jsonl that was removed', (g) => rmSync(g.path('runs/heads.jsonl')), ['runs/heads.jsonl: it is missing']],
  [
    'heads.jsonl that was cut',
    (g) => g.changeLines('runs/heads.jsonl', ([a = '']) => [a]),
    ['runs/heads.jsonl:2: it ends here, and had 2 lines (runs/telemetry.jsonl:1)'],
  ],
  [
    'heads.jsonl that was changed',
    (g) => g.changeLines('runs/heads.jsonl', (lines) => lines.map((line) => line.replace('"events":4', '"events":3'))),
    [
      'runs/heads.jsonl:2: the chain of hashes is broken here',
      `${journal}:3: this is not the line that runs/heads.jsonl:1 tells of`,
    ],
  ],
  [
    'a record that was changed',
    (g) =>
      g.write(
        `${task('turns')}/task.json`,
        g
          .read(`${task('turns')}/task.json`)
          .toString('utf8')
          .replace('"priority": 0', '"priority": 9'),
      ),
    [`${task('turns')}/task.json: it differs from what ${journal}:4 says`],
  ],
  [
    'a record that is none',
    (g) => g.write(`${task('turns')}/task.json`, '{'),
    [`${task('turns')}/task.json: not a record of a task`],
  ],
  [
    'a record that is missing',
    (g) => rmSync(g.path(`${task('turns')}/task.json`)),
    [`${task('turns')}/task.json: it is missing, and ${journal}:4 tells of it`],
  ],
  [
    'a task that no event tells of',
    (g) => cpSync(g.path(task('turns')), g.path(task('other')), { recursive: true }),
    [`${task('other')}/task.json: no event of the run tells of this task`],
  ],
  [
    'a task file that is missing',
    (g) => rmSync(g.path('inbox/pending/waits.md')),
    ['inbox/pending/waits.md: it is missing: task waits is pending'],
  ],
  [
    'a task file in another folder',
    (g) => renameSync(g.path('inbox/pending/waits.md'), g.path('outbox/done/waits.md')),
    [
      'inbox/pending/waits.md: it is missing: task waits is pending',
      'outbox/done/waits.md: task waits is pending and lies in inbox/pending',
    ],
  ],
  [
    'a task file in two folders',
    (g) => cpSync(g.path('inbox/pending/waits.md'), g.path('inbox/running/waits.md')),
    ['inbox/running/waits.md: task waits is pending and lies in inbox/pending'],
  ],
  [
    'a file of no task among those at work',
    (g) => g.write('inbox/running/foreign.md', 'x'),
    ['inbox/running/foreign.md: no task has this file'],
  ],
  [
    'a bundle that was changed',
    (g) =>
      g.write(
        `${task('waits')}/bundle.json`,
        g
          .read(`${task('waits')}/bundle.json`)
          .toString('utf8')
          .replace('"timeout_sec":60', '"timeout_sec":90'),
      ),
    [new RegExp(`^${task('waits')}/bundle.json: not what an approval of [0-9a-f]{8} was asked for$`)],
  ],
  [
    'a bundle that is missing',
    (g) => rmSync(g.path(`${task('waits')}/bundle.json`)),
    [new RegExp(`^${task('waits')}/bundle.json: it is missing`)],
  ],
  [
    'a saved patch that was changed',
    (g) => appendFileSync(g.path(`${task('looks')}/attempts/1/diffs/demo.patch`), '+x\n'),
    [new RegExp(`^${task('looks')}/attempts/1/diffs/index.json: .*demo.patch`)],
  ],
  [
    'a saved list that was changed',
    (g) => appendFileSync(g.path(`${task('looks')}/attempts/1/diffs/index.json`), ' '),
    [new RegExp(`^${task('looks')}/attempts/1/diffs/index.json: `)],
  ],
];

test.each(spoils)('A27 %s is found, and named', async (_, spoil, expected) => {
  const ground = await AuditGround.make();
  spoil(ground);
  const told = await tells(ground);
  expect(told).toHaveLength(expected.length);
  for (const [index, words] of expected.entries())
    if (typeof words === 'string') expect(told[index]).toBe(words);
    else expect(told[index]).toMatch(words);
});

/** What the room was told: of each line of a journal that it has, as a client writes it to a file. */
function roomOf(ground: AuditGround, name: string, sender = '@bot:house'): string {
  const path = name === 'service' ? 'runs/telemetry.jsonl' : `runs/${name}/telemetry.jsonl`;
  const messages = ground.lines(path).map((line, index) => ({
    type: 'm.room.message',
    sender,
    event_id: `$${index + 1}`,
    content: {
      body: 'so it is',
      'org.countersign.head': { journal: name, events: index + 1, head: lineDigest(Buffer.from(line)) },
    },
  }));
  return JSON.stringify({ room_name: 'Gate', messages: [{ type: 'm.room.create' }, null, ...messages] });
}

/** A run's journal with other words in it, and all else that vouches for it: as somebody can who owns the disk. */
function writeAnew(ground: AuditGround): void {
  const service = 'runs/telemetry.jsonl';
  const headOf = (path: string) => lineDigest(Buffer.from(ground.lines(path).at(-1) ?? ''));
  const claim = (at: number, head: string) =>
    ground.changeLines('runs/heads.jsonl', (lines) =>
      chained(
        lines.map((line, index) => (index === at ? line.replace(/"head":"[0-9a-f]{64}"/, `"head":"${head}"`) : line)),
      ),
    );
  ground.changeLines(journal, (lines) => chained(lines.map((line) => line.replace('"summary":""', '"summary":"x"'))));
  claim(0, headOf(journal));
  const anchor = lineDigest(Buffer.from(ground.lines('runs/heads.jsonl')[1] ?? ''));
  ground.changeLines(service, (lines) =>
    chained(lines.map((line) => line.replace(/"head":"[0-9a-f]{64}"/, `"head":"${anchor}"`))),
  );
  claim(2, headOf(service));
}

describe('A27 what the room was told', () => {
  test('shows a journal that was written anew together with all that vouches for it', async () => {
    const ground = await AuditGround.make();
    const room = readRoomHeads(Buffer.from(roomOf(ground, run)));
    expect((await auditHome(ground.home, room)).findings).toEqual([]);
    writeAnew(ground);
    expect(await tells(ground)).toEqual([]);
    expect((await auditHome(ground.home, room)).findings.map(formatFinding)).toEqual([
      `${journal}:1: this is not the line that the room was told of (@bot:house in $1)`,
    ]);
  });

  test('shows a tail that was cut together with what heads.jsonl says of it', async () => {
    const ground = await AuditGround.make();
    const room = readRoomHeads(Buffer.from(roomOf(ground, 'service')));
    ground.changeLines('runs/heads.jsonl', (lines) => lines.slice(0, 2));
    ground.changeLines('runs/telemetry.jsonl', (lines) => lines.slice(0, 2));
    expect(await tells(ground)).toEqual([]);
    expect((await auditHome(ground.home, room)).findings.map(formatFinding)).toEqual([
      'runs/telemetry.jsonl:3: it ends here, and had 3 lines when the room was told of it (@bot:house in $3)',
    ]);
  });

  test('shows a run that was removed with all that told of it', async () => {
    const ground = await AuditGround.make();
    const room = readRoomHeads(Buffer.from(roomOf(ground, lateRun)));
    ground.changeLines('runs/heads.jsonl', ([first = '']) => [first]);
    const anchor = lineDigest(Buffer.from(ground.lines('runs/heads.jsonl')[0] ?? ''));
    ground.changeLines('runs/telemetry.jsonl', (lines) =>
      chained(lines.map((line) => line.replace(/"seq":2,"head":"[0-9a-f]{64}"/, `"seq":1,"head":"${anchor}"`))),
    );
    rmSync(ground.path(`runs/${lateRun}`), { recursive: true });
    rmSync(ground.path('outbox/failed/ended.md'));
    expect(await tells(ground)).toEqual([]);
    expect((await auditHome(ground.home, room)).findings.map(formatFinding)).toEqual([
      `runs/${lateRun}/telemetry.jsonl: it is gone, and the room was told of it (@bot:house in $1)`,
    ]);
  });

  test.each([
    ['words', 'hello', /not a room as a client writes it/],
    ['bytes that are no text', Buffer.from([0xff, 0x7b]), /not a room as a client writes it/],
    ['another thing in JSON', '[1]', /not a room as a client writes it/],
    [
      'another room',
      '{"messages":[{"event_id":"$a","sender":"@a:b","content":{"body":"x"}}]}',
      /no message in the file/,
    ],
    [
      'heads that are none',
      '{"chunk":[{"event_id":"$a","sender":"@a:b","content":{"org.countersign.head":{"journal":"../x","events":1,"head":"x"}}}]}',
      /no message in the file/,
    ],
  ])('of a file with %s it is said that nothing was compared', async (_, content, message) => {
    await using home = await OperatorHome.make();
    const { code, stdout, stderr } = await home.type(['audit', '--room'], { stdin: content });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('is read up to a size', async () => {
    await using home = await OperatorHome.make();
    const { code, stderr } = await home.type(['audit', '--room'], { stdin: Buffer.alloc(32 * 1024 * 1024 + 1, 0x20) });
    expect(code).toBe(1);
    expect(stderr).toContain('more than 32 MiB');
  });
});

test('A27 F24 1,000 flipped bits over all bytes of a journal are all found', { timeout: 120_000 }, async () => {
  const ground = await AuditGround.make();
  const whole = ground.read(journal);
  const missed: string[] = [];
  const offset = randomInt(whole.length);
  for (let flip = 0; flip < 1_000; flip += 1) {
    const position = (offset + Math.floor((flip * whole.length) / 1_000)) % whole.length;
    const bit = flip % 8;
    const bytes = Buffer.from(whole);
    bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
    ground.write(journal, bytes);
    const told = await tells(ground);
    if (!told.some((finding) => finding.startsWith(journal)))
      missed.push(`bit ${bit} of byte ${position}: ${told.join('; ')}`);
  }
  expect(missed).toEqual([]);
});

test('half a line at the end is no finding, for it is being written, or was when something died', async () => {
  const ground = await AuditGround.make();
  for (const path of [journal, 'runs/telemetry.jsonl', 'runs/heads.jsonl'])
    appendFileSync(ground.path(path), '{"ts":"2026-');
  const { findings, notes } = await auditHome(ground.home);
  expect(findings).toEqual([]);
  expect(notes.map(formatFinding)).toEqual([
    expect.stringContaining('runs/heads.jsonl:4: 12 bytes'),
    expect.stringContaining('runs/telemetry.jsonl:5: 12 bytes'),
    expect.stringContaining(`${journal}:5: 12 bytes`),
  ]);
});

test('a journal that goes on behind what heads.jsonl tells is clean', async () => {
  const ground = await AuditGround.make();
  ground.changeLines('runs/heads.jsonl', (lines) => lines.slice(0, 2));
  expect(await tells(ground)).toEqual([]);
});

test('what was taken away from the outbox, or kept of a tail, is a note', async () => {
  const ground = await AuditGround.make();
  rmSync(ground.path('outbox/failed/ended.md'));
  ground.write(`${journal}.cut-3`, 'x');
  mkdirSync(ground.path(`runs/RUN-20261122-001/tasks`), { recursive: true });
  const { findings, notes } = await auditHome(ground.home);
  expect(findings).toEqual([]);
  expect(notes.map(({ path }) => path).sort()).toEqual(['outbox/failed/ended.md', `${journal}.cut-3`]);
});

test('on the command line: a line for each finding and an exit code; as JSON everything', async () => {
  const ground = await AuditGround.make();
  await using home = await OperatorHome.make();
  rmSync(join(home.path, 'runs'), { recursive: true });
  cpSync(ground.home, home.path, { recursive: true });
  expect(await home.type(['audit'])).toEqual({
    code: 0,
    stdout: '3 journals, 10 events, 4 tasks: everything is as it was written\n',
    stderr: '',
  });
  const room = roomOf(ground, run);
  expect((await home.type(['audit', '--room'], { stdin: room })).stdout).toBe(
    '3 journals, 10 events, 4 tasks, 4 messages of the room: everything is as it was written\n',
  );
  rmSync(join(home.path, task('turns'), 'task.json'));
  const { code, stdout } = await home.type(['audit']);
  expect(code).toBe(1);
  expect(stdout.split('\n')).toEqual([
    `${task('turns')}/task.json: it is missing, and ${journal}:4 tells of it`,
    '3 journals, 10 events, 4 tasks: 1 not as written',
    '',
  ]);
  const json = await home.type(['audit', '--json']);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    findings: [{ path: `${task('turns')}/task.json`, line: null }],
    notes: [],
    tasks: 4,
  });
  expect((await home.type(['audit', '--help'])).stdout).toContain('Usage: countersign audit');
  expect((await home.type(['audit', 'x'])).code).toBe(2);
});

test('what a runner is just about to move on is looked at again', async () => {
  const ground = await AuditGround.make();
  await using home = await OperatorHome.make();
  rmSync(join(home.path, 'runs'), { recursive: true });
  cpSync(ground.home, home.path, { recursive: true });
  await home.runnerIsAlive();
  renameSync(join(home.path, 'inbox/pending/waits.md'), join(home.path, 'inbox/running/waits.md'));
  const auditing = auditHome(home.path);
  await new Promise((resolve) => setTimeout(resolve, 250));
  renameSync(join(home.path, 'inbox/running/waits.md'), join(home.path, 'inbox/pending/waits.md'));
  expect((await auditing).findings).toEqual([]);
});
