import { execFile } from 'node:child_process';
import { appendFile, mkdir, open, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { queueFolders } from '@countersign/contracts/task-state.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

const run = promisify(execFile);
const workspace = 'workspace: mini-control-plane\n';
const bomb = `${workspace}stage: dev\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`;
let stack: Stack;
let inbox: string;
let invalid: string;

beforeAll(async () => {
  stack = await Stack.up('bad-input');
  inbox = join(stack.home, 'inbox');
  invalid = join(stack.home, 'outbox', 'invalid');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function refusalOf(file: string): Promise<string> {
  const reason = `${file}.error.txt`;
  await expect.poll(() => readdir(invalid), { timeout: 20_000 }).toContain(reason);
  return await readFile(join(invalid, reason), 'utf8');
}

describe('is refused with file, line and what is allowed', () => {
  test.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'an unknown key',
      'key.md',
      `${workspace}stagee: dev\n`,
      /key\.md:2: unknown key "stagee"; allowed: workspace, action, stage/,
    ],
    ['an unknown stage', 'stage.md', `${workspace}stage: production\n`, /stage\.md:2: .*allowed: dev, staging, prod/],
    [
      'an unknown workspace',
      'workspace.md',
      'stage: dev\nworkspace: nowhere\n',
      /workspace\.md:2: .*allowed: .*mini-control-plane/,
    ],
    ['an empty file', 'empty.md', '', /empty\.md:1: .*empty/],
    ['a binary file', 'binary.md', new Uint8Array([0x77, 0, 0xff, 0xfe, 0x0a]), /binary\.md:1: .*text/],
    [
      '10 MB of text',
      'large.md',
      `${workspace}\n${'words '.repeat(1_700_000)}`,
      /large\.md:1: \d+ bytes; at most 262144/,
    ],
    ['a YAML alias bomb', 'bomb.md', bomb, /bomb\.md:\d: .*(anchors|aliases)/],
    ['duplicate keys', 'twice.md', `${workspace}stage: staging\nstage: dev\n`, /twice\.md:3: /],
    [
      'a wrong value',
      'value.md',
      `${workspace}approval_required: "false"\n`,
      /value\.md:2: approval_required: true or false/,
    ],
    [
      'a task that would wait for itself',
      'circle.md',
      `${workspace}id: circle\ndepends_on: circle\n`,
      /circle\.md:3: depends_on: circle waits for circle/,
    ],
  ])('%s', async (_what, file, content, message) => {
    await stack.drop(file, content);
    expect(await refusalOf(file)).toMatch(message);
    // The reason is written first, and the file moved beside it then.
    await expect.poll(() => readdir(invalid)).toContain(file);
    expect(Buffer.compare(await readFile(join(invalid, file)), Buffer.from(content))).toBe(0);
    expect((await stack.status()).find((row) => row.file === file)).toMatchObject({ state: 'invalid' });
  });

  test('a folder, a named pipe and a symbolic link', async () => {
    await mkdir(join(inbox, 'folder.md'));
    await run('mkfifo', [join(inbox, 'pipe.md')]);
    await symlink('/etc/passwd', join(inbox, 'link.md'));
    expect(await refusalOf('folder.md')).toMatch(/folder\.md:1: a folder/);
    expect(await refusalOf('pipe.md')).toMatch(/pipe\.md:1: a named pipe/);
    expect(await refusalOf('link.md')).toMatch(/link\.md:1: a symbolic link/);
  });

  test('a workspace that another user owns, with the command that mends it', async () => {
    const folder = await stack.workspace('foreign');
    await run('chown', ['-R', '4242:4242', folder]);
    await stack.drop('foreign.md', 'workspace: foreign\nstage: dev\n\nrun git status');
    expect(await refusalOf('foreign.md')).toMatch(/foreign\.md:1: .*user 4242.*chown -R \d+ /);
  });
});

describe('is accepted', () => {
  test('a file with CRLF line ends and a byte order mark', async () => {
    await stack.drop('windows.md', '\ufeffworkspace: mini-control-plane\r\nstage: dev\r\n\r\nrun git status\r\n');
    await stack.reaches('windows.md', ['done']);
  });

  test.each([
    ['quotes', `it's "quoted" $(id) \`id\`.md`],
    ['a line feed', 'two\nlines.md'],
    ['dots', 'a..b.md'],
    ['an emoji', '🚀 launch.md'],
    ['255 bytes', `${'n'.repeat(252)}.md`],
  ])('a file whose name has %s', async (_what, file) => {
    // Renamed from a short name: the usual temporary name beside it would be too long.
    await stack.drop(file, `${workspace}stage: dev\n\nrun git status\n`);
    await stack.reaches(file, ['done']);
    expect(await readdir(join(stack.home, 'outbox', 'done'))).toContain(file);
    expect((await stack.status()).some((row) => row.file === file && row.state === 'done')).toBe(true);
  });

  test("a name that begins with dots, or an editor's temporary name, is left alone", async () => {
    for (const file of ['...md', '.hidden.md', 'x.md~', 'x.md.part', '.#x.md'])
      await writeFile(join(inbox, file), `${workspace}stage: dev\n`);
    await sleep(5_000);
    expect(await readdir(inbox)).toEqual(
      expect.arrayContaining(['...md', '.hidden.md', 'x.md~', 'x.md.part', '.#x.md']),
    );
  });

  test('the same name twice: both end, and neither overwrites the other', async () => {
    await stack.drop('twin.md', `${workspace}stage: staging\n\ncreate first.txt with one\n`);
    const first = await stack.reaches('twin.md', ['pending']);
    await stack.drop('twin.md', `${workspace}stage: staging\n\ncreate second.txt with two\n`);
    await expect
      .poll(
        async () =>
          (await stack.tasks()).filter((record) => record.dropped_as === 'twin.md' && record.state.status === 'pending')
            .length,
        { timeout: 30_000 },
      )
      .toBe(2);
    const both = (await stack.tasks()).filter((record) => record.dropped_as === 'twin.md');
    expect(new Set(both.map((record) => record.file)).size).toBe(2);
    for (const record of both) expect(await stack.countersign('reject', record.id)).toMatchObject({ exitCode: 0 });
    const rejected = await readdir(join(stack.home, 'outbox', 'rejected'));
    for (const record of await stack.tasks())
      if (record.dropped_as === 'twin.md') expect(rejected).toContain(record.file);
    expect(both.map((record) => record.id)).toContain(first.id);
  });
});

describe('F30 a file that is still being written', () => {
  test('is taken when it is whole, however slowly it grows', async () => {
    const path = join(inbox, 'slow.md');
    const whole = `${workspace}stage: dev\n\ncreate slow.txt with the whole text\n`;
    await using file = await open(path, 'w');
    for (const part of whole.match(/[\s\S]{1,12}/g) ?? []) {
      await file.write(part);
      await sleep(900);
    }
    await file.close();
    const record = await stack.reaches('slow.md', ['review']);
    expect(await readFile(join(stack.taskFolder(record), 'task.md'), 'utf8')).toBe(whole);
    expect(
      (await stack.events(record.run)).filter((event) => event.task_id === record.id && event.event === 'task_started'),
    ).toHaveLength(1);
  });

  test('has no effect by its first half, even when that half is a whole task of its own', async () => {
    const path = join(inbox, 'halves.md');
    await writeFile(path, `${workspace}stage: dev\n\n1. run sleep 8\n2. create half.txt with half\n`);
    const running = await stack.reaches('halves.md', ['running']);
    await appendFile(join(stack.home, 'inbox', 'running', 'halves.md'), '3. create rest.txt with rest\n');
    const record = await stack.reaches('halves.md', ['review']);
    expect(record.id).toBe(running.id);
    const patch = await readFile(join(stack.attemptFolder(record), 'diffs', 'mini-control-plane.patch'), 'utf8');
    expect(patch).toContain('+++ b/rest.txt');
  });
});

test('a misspelt setting stops the service that reads it, with file, line and what is allowed', async () => {
  const path = join(stack.configs, 'stages.yaml');
  const good = await readFile(path, 'utf8');
  await writeFile(`${path}.new`, good.replace('gate: none', 'gatee: none'));
  await rename(`${path}.new`, path);
  const refused = await stack.script('up', ['--rehearsal']);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stdout + refused.stderr).toMatch(/stages\.yaml:\d+: unknown key "gatee".*allowed: gate/);
  await writeFile(path, good);
  expect(await stack.script('up', ['--rehearsal'])).toMatchObject({ exitCode: 0 });
});

test('nothing was lost: every file that was dropped still lies in exactly one folder', async () => {
  const lying = (await Promise.all(queueFolders.map((folder) => readdir(join(stack.home, folder))))).flat();
  for (const record of await stack.tasks()) expect(lying.filter((name) => name === record.file)).toHaveLength(1);
});
