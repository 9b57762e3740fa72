import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Operator } from '../support/operator.ts';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';

let old: Stack;
let next: Stack;
let folder: string;
let archive: string;
let secret: string;
/** Of the old house at its export, by the name that a task was dropped under. */
let before: Map<string, string>;
let oldDigests: Map<string, string>;
/** Their lines up to the export, while which nobody wrote. */
let oldJournals: Map<string, string[]>;

const task = (workspace: string, more: string, body: string) => `workspace: ${workspace}\n${more}\n\n${body}\n`;
const hello = '1. create hello.txt with hello from here';
const settings = 'stage: dev\npostconditions:\n  - test -f hello.txt\n';

async function statusByName(stack: Stack): Promise<Map<string, string>> {
  return new Map((await stack.tasks()).map((record) => [record.dropped_as, record.state.status]));
}

async function phoneOf(stack: Stack): Promise<Phone> {
  return Phone.login(join(stack.secrets, 'enrol', 'operator.env'));
}

/** A house with a task in every state that it can rest in, and one at work. */
async function furnish(stack: Stack): Promise<void> {
  for (const name of ['app', 'shop', 'busy']) await stack.workspace(name);
  await stack.drop('review.md', task('app', settings, hello));
  await stack.drop('done.md', task('shop', settings, hello));
  await stack.drop('pending.md', task('mini-control-plane', 'stage: staging', hello));
  await stack.drop('approved.md', task('busy', 'stage: staging', hello));
  await stack.reaches('review.md', ['review']);
  await stack.reaches('done.md', ['review']);
  expect(await stack.countersign('merge', 'done.md')).toMatchObject({ exitCode: 0 });
  await stack.drop('failed.md', task('shop', 'stage: dev\npreconditions:\n  - test -f not-there\n', hello));
  await stack.reaches('failed.md', ['failed']);
  await stack.reaches('pending.md', ['pending']);
  await stack.reaches('approved.md', ['pending']);
  // One task of a workspace at a time: what is approved behind this one waits, and so does what is queued.
  await stack.drop('running.md', task('busy', 'stage: dev', `1. run sleep 90\n2. create slept.txt with well`));
  await stack.reaches('running.md', ['running']);
  expect(await stack.countersign('approve', 'approved.md')).toMatchObject({ exitCode: 0 });
  await stack.reaches('approved.md', ['approved']);
  await stack.drop('queued.md', task('busy', 'stage: dev', hello));
  await stack.reaches('queued.md', ['queued']);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-moving-'));
  archive = join(folder, 'house.countersign');
  secret = join(folder, 'passphrase');
  await writeFile(secret, 'correct horse battery staple\n', { mode: 0o600 });
  old = await Stack.up('old-house');
  await furnish(old);
  before = await statusByName(old);
  oldDigests = new Map(
    (await old.tasks()).flatMap((record) =>
      record.state.status === 'pending'
        ? [[record.dropped_as, record.state.digest]]
        : record.state.status === 'approved'
          ? [[record.dropped_as, record.state.approval.digest]]
          : [],
    ),
  );
  next = await Stack.up('new-house');
}, 600_000);
afterAll(async () => {
  await old?.[Symbol.asyncDispose]();
  await next?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the old house', () => {
  test('is exported while it works, and goes on as if nothing had been', async () => {
    expect([...before].sort()).toEqual([
      ['approved.md', 'approved'],
      ['done.md', 'done'],
      ['failed.md', 'failed'],
      ['pending.md', 'pending'],
      ['queued.md', 'queued'],
      ['review.md', 'review'],
      ['running.md', 'running'],
    ]);
    const told = await old.countersign('export', archive, '--with-workspaces', '--passphrase-file', secret, '--json');
    expect(told).toMatchObject({ exitCode: 0 });
    const report = JSON.parse(told.stdout.trim().split('\n').at(-1) ?? '');
    expect(report).toMatchObject({
      file: archive,
      left: false,
      house: { tasks: { running: 1, review: 1, pending: 1 } },
    });
    expect(report.frozen_sec).toBeTypeOf('number');
    process.stdout.write(`frozen for ${report.frozen_sec} s, ${report.house.archive_bytes} bytes\n`);
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    oldJournals = await journalsOf(old, report.house.created_at);
    const { stdout } = await old.compose('ps', '--status', 'paused', '--quiet');
    expect(stdout).toBe('');
    await expect
      .poll(async () => (await old.events(null)).map(({ event }) => event), { timeout: 30_000 })
      .toContain('house_exported');
    expect((await old.task('running.md'))?.state.status).toBe('running');
  });

  test('leaves nothing to read in the archive but what it is', async () => {
    const bytes = await readFile(archive);
    const key = await readFile(join(old.secrets, 'cli', 'signing.key.pem'), 'utf8');
    for (const words of [key.split('\n')[1] ?? '', 'hello from here', 'MATRIX_BOT_TOKEN', 'review.md'])
      expect(bytes.includes(words), words).toBe(false);
  });

  test('refuses to write over a file, and a passphrase that is too short, and is thawed', async () => {
    expect(await old.countersign('export', archive, '--passphrase-file', secret)).toMatchObject({ exitCode: 1 });
    const short = join(folder, 'short');
    await writeFile(short, 'short\n');
    const told = await old.countersign('export', join(folder, 'other'), '--passphrase-file', short);
    expect(told.stderr).toContain('12 to 1024 bytes');
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining(['other', 'other.part']));
    const { stdout } = await old.compose('ps', '--status', 'paused', '--quiet');
    expect(stdout).toBe('');
  });
});

/** Lines of the journals of all runs, by run. @param until only those that were written before */
async function journalsOf(stack: Stack, until = '9999'): Promise<Map<string, string[]>> {
  const runs = (await readdir(join(stack.home, 'runs'))).filter((name) => name.startsWith('RUN-'));
  const found = await Promise.all(
    runs.map(async (run) => {
      const text = await readFile(join(stack.home, 'runs', run, 'telemetry.jsonl'), 'utf8');
      const lines = text.trimEnd().split('\n');
      return [run, lines.filter((line) => JSON.parse(line).ts < until)] as const;
    }),
  );
  return new Map(found);
}

describe('the new house', () => {
  test('refuses the wrong passphrase and a changed archive, and goes on working', async () => {
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, 'another passphrase\n');
    const told = await next.countersign('import', archive, '--passphrase-file', wrong);
    expect(told).toMatchObject({ exitCode: 1 });
    expect(told.stderr).toContain('does not open with this passphrase');
    const bytes = await readFile(archive);
    bytes[bytes.length - 50] = (bytes[bytes.length - 50] ?? 0) ^ 1;
    await writeFile(join(folder, 'changed'), bytes);
    const changed = await next.countersign('import', join(folder, 'changed'), '--passphrase-file', secret);
    expect(changed.stderr).toContain('damaged or was changed');
    const { stdout } = await next.compose('ps', '--status', 'running', '--services');
    expect(stdout.split('\n')).toContain('runner');
  });

  test('F27 takes everything over as it stood', async () => {
    const told = await next.countersign('import', archive, '--passphrase-file', secret, '--json');
    expect(told, told.stderr).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(told.stdout)).toMatchObject({ workspaces_to_bring: [], links_left_out: [] });
    expect([...(await statusByName(next))].sort()).toEqual([...before].sort());
    expect(await readFile(join(next.secrets, 'cli', 'signing.key.pem'), 'utf8')).toBe(
      await readFile(join(old.secrets, 'cli', 'signing.key.pem'), 'utf8'),
    );
    const second = await next.countersign('import', archive, '--passphrase-file', secret);
    expect(second).toMatchObject({ exitCode: 1 });
    expect(second.stderr).toContain('This house is not empty');
    await next.mustUp(['--rehearsal', '--json']);
    expect((await next.events(null)).map(({ event }) => event)).toContain('house_imported');
  });

  test('merges the result that waited for it', async () => {
    const merged = await next.countersign('merge', 'review.md');
    expect(merged, merged.stderr).toMatchObject({ exitCode: 0 });
    await next.reaches('review.md', ['done']);
    const operator = await Operator.of(next);
    expect(await operator.git('app', 'show', 'main:hello.txt')).toContain('hello from here');
  });

  test.each(['pending.md', 'approved.md'])('asks anew for %s, and takes no answer to the old request', async (name) => {
    const oldDigest = oldDigests.get(name) ?? '';
    const asked = await next.reaches(name, ['pending'], 150_000);
    expect(asked.state.digest).not.toBe(oldDigest);
    expect(await next.countersign('approve', name, '--digest', oldDigest)).toMatchObject({ exitCode: 1 });
    expect((await next.task(name))?.state.status).toBe('pending');
    expect(await next.countersign('approve', name)).toMatchObject({ exitCode: 0 });
    await next.reaches(name, ['review'], 180_000);
  });

  test('begins what was at work once more, says so, and goes on with what was queued', async () => {
    const again = await next.reaches('running.md', ['running', 'review'], 150_000);
    expect(again.interruptions).toBe(0);
    const events = (await next.events(again.run)).filter(({ task_id }) => task_id === again.id);
    expect(events.map(({ event }) => event)).toContain('task_interrupted');
    await next.reaches('running.md', ['review'], 180_000);
    await next.reaches('queued.md', ['review'], 180_000);
  });

  test('lost nothing: its journals begin with those of the old one', async () => {
    const here = await journalsOf(next);
    expect([...here.keys()].sort()).toEqual([...oldJournals.keys()].sort());
    for (const [run, lines] of oldJournals) {
      expect(lines.length).toBeGreaterThan(1);
      expect(here.get(run)?.slice(0, lines.length)).toEqual(lines);
    }
    for (const name of ['done.md', 'failed.md']) {
      const [was, is] = [await old.task(name), await next.task(name)];
      expect(is).toEqual(was);
    }
    const audit = await next.countersign('audit');
    expect(audit, `${audit.stdout}${audit.stderr}`).toMatchObject({ exitCode: 0 });
    const rows = await next.status();
    expect(rows.length).toBe(before.size);
  });

  test('speaks in the same room, in which nothing is said twice', async () => {
    const [there, here] = [await phoneOf(old), await phoneOf(next)];
    expect(here.room).toBe(there.room);
    const pending = await next.task('pending.md');
    await here.receives(['Approval required', pending?.id ?? '-']);
    const asked = (await here.received()).filter(
      ({ content }) =>
        /^Approval required/.test(String(content['body'])) && String(content['body']).includes(pending?.id ?? '-'),
    );
    // Once by the old house, once by this one.
    expect(asked).toHaveLength(2);
    expect(new Set(asked.map(({ content }) => content['body'])).size).toBe(2);
  });
});

describe('a house that is left', () => {
  test('is exported as it stands still, does not start again, and does when that is taken back', async () => {
    const target = join(folder, 'left.countersign');
    const told = await old.countersign('export', target, '--leave', '--passphrase-file', secret);
    expect(told, told.stderr).toMatchObject({ exitCode: 0 });
    expect(told.stdout).toContain('nothing of it starts here any more');
    expect(told.stdout).toContain('workspaces/app: needed by');
    const { stdout } = await old.compose('ps', '--status', 'running', '--quiet');
    expect(stdout).toBe('');
    const refused = await old.script('up', ['--rehearsal']);
    expect(refused.exitCode).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toContain('This house was moved to another machine');

    // Stopped, it can be exported all the same.
    const again = await old.countersign('export', join(folder, 'stopped'), '--passphrase-file', secret, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ frozen_sec: null });
    expect(await old.countersign('export', '--take-back')).toMatchObject({ exitCode: 0 });
    await old.mustUp(['--rehearsal', '--json']);
    expect((await old.task('review.md'))?.state.status).toBe('review');
  });
});
