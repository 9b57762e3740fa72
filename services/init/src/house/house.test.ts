import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refuseMoved } from '../refuse-moved.ts';
import {
  contents,
  exported,
  fresh,
  homeId,
  imported,
  makeHouse,
  owner,
  record,
  run,
  sentinel,
  used,
  verified,
} from '../testing/house.ts';
import { stagedIn } from './staging.ts';

describe('a house', () => {
  test('F27 stands elsewhere as it stood: state, memory, configuration, keys, spools and the room', async () => {
    const [from, to] = [used(), fresh()];
    utimesSync(join(from.home, 'outbox/done/x.md'), 1_700_000_000, 1_700_000_000);
    chmodSync(join(from.secrets, 'cli/signing.key.pem'), 0o400);
    const { archive, report } = await exported(from);
    expect(report).toMatchObject({ home: homeId, tasks: { queued: 1 }, archive_bytes: archive.length });
    await verified(to, archive);
    const told = await imported(to, archive);

    const was = await contents(from.home);
    const is = await contents(to.home);
    for (const name of [
      'inbox/waits.md',
      'inbox/.submitted-0123456789abcdef',
      'outbox/done/x.md',
      'runs/RUN-20261128-001/telemetry.jsonl',
      'runs/RUN-20261128-001/tasks/abcde/task.json',
      'runs/RUN-20261128-001/tasks/abcde/attempts/1/stdout.log',
      'runs/telemetry.jsonl',
      'memory/app/tasks/T0001.md',
    ])
      expect(is[name], name).toBe(was[name]);
    for (const name of [
      'runs/.cache',
      'runs/.runner.lock',
      'runs/.reserve',
      'runs/RUN-20261128-001/tasks/abcde/attempts/1/incoming',
      'logs/runner/runner.log',
    ])
      expect(is[name], name).toBeUndefined();
    expect(Object.keys(is).filter((name) => name.endsWith('.tmp') || name.includes('countersign-import'))).toEqual([]);
    expect(readFileSync(join(to.configs, 'stages.yaml'), 'utf8')).toBe('version: 1\n');
    expect(readFileSync(join(to.secrets, 'cli/signing.key.pem'), 'utf8')).toBe('PRIVATE KEY of the shell');
    expect(lstatSync(join(to.secrets, 'cli/signing.key.pem')).mode & 0o777).toBe(0o400);
    expect(lstatSync(join(to.home, 'outbox/done/x.md')).mtimeMs).toBe(1_700_000_000_000);
    expect(await contents(join(to.named, 'listener-state'))).toEqual({ 'state.json': '{"since":"s1"}' });
    expect(await contents(join(to.named, 'spool-shell'))).toEqual({ '000-command.json': '{"kind":"approve"}' });
    expect(await contents(join(to.named, 'spool-dashboard'))).toEqual({ '000-command.json': '{"kind":"reject"}' });
    expect(readFileSync(join(to.secrets, 'dashboard/login-token'), 'utf8')).toBe('token\n');
    expect(readFileSync(join(to.secrets, 'runner/prod-code.seed'), 'utf8')).toBe('SEED\n');
    expect(readFileSync(join(to.secrets, 'launcher/dashboard.pub.pem'), 'utf8')).toBe('PUBLIC KEY of the page');
    // A database never meets the write-ahead log of another one.
    expect(existsSync(join(to.named, 'synapse/homeserver.db-wal'))).toBe(false);
    expect(JSON.parse(is['.countersign.json'] ?? '')).toEqual({
      version: 2,
      id: homeId,
      ...owner,
      workspaces: ['mini-control-plane'],
    });
    expect(told.workspaces_to_bring).toEqual([{ name: 'app', needed_by: ['abcde'] }]);
  });

  test('that was there is kept aside, and folders that a checkout keeps stay', async () => {
    const to = fresh();
    const { archive } = await exported(used());
    const { kept } = await imported(to, archive);
    const aside = kept[0]?.replace('volumes/', '') ?? '';
    const home = await contents(to.home);
    expect(home[`${aside}/runs/telemetry.jsonl`]).toBe('of the fresh start');
    expect(home[`${aside}/configs/stages.yaml`]).toContain('as shipped');
    expect(home['inbox/.gitkeep']).toBe('');
    expect(home['workspaces/mini-control-plane/README.md']).toBe('example');
    expect(Object.keys(await contents(to.configs)).sort()).toEqual(['prompts', 'prompts/plan.yaml', 'stages.yaml']);
  });

  test('brings its workspaces where that is asked for, with their links that stay inside', async () => {
    const from = used();
    symlinkSync('read.me', join(from.home, 'workspaces/app/alias'));
    symlinkSync('../../../../etc/passwd', join(from.home, 'workspaces/app/way-out'));
    symlinkSync('/etc/passwd', join(from.home, 'workspaces/app/far'));
    const { archive } = await exported(from, true);
    const to = fresh();
    const told = await imported(to, archive);
    const app = await contents(join(to.home, 'workspaces/app'));
    expect(app).toMatchObject({ 'read.me': 'mine', '.git/objects/ab/cd': 'object', alias: '-> read.me' });
    expect(app['way-out'] ?? app['far']).toBeUndefined();
    expect(told.links_left_out).toEqual([
      'home/workspaces/app/far -> /etc/passwd',
      'home/workspaces/app/way-out -> ../../../../etc/passwd',
    ]);
    expect(told.workspaces_to_bring).toEqual([]);
  });

  test('of the first format is brought up to date', async () => {
    const from = used();
    writeFileSync(join(from.home, '.countersign.json'), sentinel(1));
    const { archive } = await exported(from);
    const to = fresh();
    await imported(to, archive);
    expect(JSON.parse(readFileSync(join(to.home, '.countersign.json'), 'utf8'))).toMatchObject({
      version: 2,
      id: homeId,
    });
  });

  test('in which a merge is under way is busy, and nothing comes out', async () => {
    const from = makeHouse({
      'home/.countersign.json': sentinel(),
      [`${run}/tasks/abcde/task.json`]: record('merging'),
    });
    await expect(exported(from)).rejects.toMatchObject({
      busy: true,
      message: expect.stringContaining('being merged'),
    });
  });

  test('is not exported with a passphrase that anybody guesses', async () => {
    await expect(exported(used(), false, Buffer.from('short'))).rejects.toThrow('12 to 1024 bytes');
  });
});

describe('importing', () => {
  test.each([
    ['a run', { 'home/runs/RUN-20261127-001/run.yaml': 'x' }, '1 runs'],
    ['a file in the inbox', { 'home/inbox/x.md': 'x' }, '1 files in inbox/'],
    ['a memory', { 'home/memory/app/tasks/T0001.md': 'x' }, 'a memory of 1 workspaces'],
    ['a workspace of that name', { 'home/workspaces/app/x': 'x' }, 'workspaces/app'],
  ])('into a house with %s is refused, and with --replace what is there goes aside', async (_what, files, words) => {
    const { archive } = await exported(used(), true);
    const to = makeHouse({ 'home/.countersign.json': sentinel(), ...files });
    const before = await contents(to.home);
    await expect(verified(to, archive)).rejects.toThrow(words);
    expect(await contents(to.home)).toEqual(before);
    const { kept } = await imported(to, archive, true);
    const after = await contents(to.home);
    const [path = ''] = Object.keys(files);
    expect(after[path.replace('home', (kept[0] ?? '').replace('volumes/', ''))]).toBe('x');
    expect(after['inbox/waits.md']).toBe('workspace: app\n');
  });

  test('the wrong passphrase, a flipped byte and a cut tail change nothing', async () => {
    const to = fresh();
    const before = await contents(to.home);
    const { archive } = await exported(used());
    const flipped = Buffer.from(archive);
    flipped[archive.length - 40] = (flipped[archive.length - 40] ?? 0) ^ 1;
    await expect(verified(to, archive, false, Buffer.from('not the passphrase'))).rejects.toThrow('this passphrase');
    await expect(verified(to, flipped)).rejects.toThrow('damaged or was changed');
    await expect(verified(to, archive.subarray(0, -10))).rejects.toThrow('cut off');
    expect(await contents(to.home)).toEqual(before);
    // Also without the first look, nothing is put in its place.
    await expect(imported(to, flipped)).rejects.toThrow('damaged or was changed');
    const after = await contents(to.home);
    expect(Object.keys(after).filter((name) => !name.startsWith('.countersign-import'))).toEqual(Object.keys(before));
  });

  test('that was cut off while it unpacked begins anew', async () => {
    const to = fresh();
    const { archive } = await exported(used());
    await expect(imported(to, archive.subarray(0, -10))).rejects.toThrow('cut off');
    mkdirSync(join(stagedIn(to.home), 'runs/RUN-20200101-001'), { recursive: true });
    await imported(to, archive);
    const home = await contents(to.home);
    expect(home['runs/RUN-20200101-001']).toBeUndefined();
    expect(home['inbox/waits.md']).toBe('workspace: app\n');
  });
});

describe('a death while the house is put in its place', () => {
  const isNote = (name: string) => name.includes('.house/') || name.startsWith('.before-import-');
  const stateOf = async (places: ReturnType<typeof makeHouse>) => {
    const all = { ...(await contents(places.home)), ...(await contents(join(places.home, '..'))) };
    return Object.fromEntries(
      Object.entries(all).filter(([name]) => !isNote(name.replace(/^(?:home|secrets|named\/synapse)\//, ''))),
    );
  };

  test('at any step: nothing starts, another archive is refused, and the same import ends it', async () => {
    const { archive } = await exported(used(), true);
    let steps = 0;
    const whole = fresh();
    await imported(whole, archive, false, () => {
      steps += 1;
    });
    expect(steps).toBeGreaterThan(30);
    const wanted = await stateOf(whole);
    for (let death = 1; death <= steps; death += 1) {
      const to = fresh();
      let left = death;
      const die = () => {
        left -= 1;
        if (left === 0) throw new Error('died');
      };
      await expect(imported(to, archive, false, die)).rejects.toThrow('died');
      if (death > 1) await expect(refuseMoved(to.home), `step ${death}`).rejects.toThrow('cut off half-way');
      await imported(to, archive);
      expect(await stateOf(to), `step ${death}`).toEqual(wanted);
      await refuseMoved(to.home);
    }
  }, 60_000);

  test('another archive does not get between', async () => {
    const { archive } = await exported(used());
    const to = fresh();
    let left = 12;
    const die = () => {
      left -= 1;
      if (left === 0) throw new Error('died');
    };
    await expect(imported(to, archive, false, die)).rejects.toThrow('died');
    const { archive: other } = await exported(used());
    await expect(verified(to, other)).rejects.toThrow('is half imported here');
    await expect(imported(to, other)).rejects.toThrow('half imported');
  });
});
