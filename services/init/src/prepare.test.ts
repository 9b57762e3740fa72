import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSignatureGood, readSigningKey, readVerifyingKey, signCommand } from '@countersign/contracts/command.ts';
import { queueFolders } from '@countersign/contracts/task-state.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type InitConfig, readInitConfig } from './config.ts';
import { prepare } from './prepare.ts';

// As root the folders go to another user, as in the stack; anybody else can only give to himself.
const isRoot = process.getuid?.() === 0;
const uid = isRoot ? 10_001 : (process.getuid?.() ?? 0);
const gid = isRoot ? 10_002 : (process.getgid?.() ?? 0);
const workspace = 'workspaces/mini-control-plane';

let home: string;
let config: InitConfig;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'countersign-init-'));
  config = {
    uid,
    gid,
    rootUid: process.getuid?.() ?? 0,
    volumes: join(home, 'volumes'),
    secrets: join(home, 'secrets'),
    named: join(home, 'named'),
  };
  for (const folder of [
    'volumes',
    'secrets',
    'named',
    'named/slots',
    'named/model-slots',
    'named/spool-shell',
    'named/spool-matrix',
    'named/spool-dashboard',
    'named/launcher-services',
    'named/page-socket',
    'named/dashboard-index',
    'named/launcher-control',
    'named/gateway-control',
    'named/matrix-door',
    'named/listener-state',
    'named/synapse',
  ])
    await mkdir(join(home, folder));
});
afterEach(() => rm(home, { recursive: true }));

async function run(change: Partial<InitConfig> = {}): Promise<string[]> {
  const lines: string[] = [];
  await prepare({ ...config, ...change }, (what, subject) => lines.push(`${what}: ${subject.slice(home.length + 1)}`));
  return lines;
}

async function facts(path: string): Promise<string> {
  const status = await lstat(join(home, path));
  return `${status.uid}:${status.gid} ${(status.mode & 0o7777).toString(8)}`;
}

/** Everything below a folder with its owner, bits, time stamps and, of files, content. */
async function snapshot(folder = home): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).sort();
  return await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const status = await lstat(path);
      const content = status.isFile() ? await readFile(path, 'base64') : '';
      return [name, status.uid, status.gid, status.mode, status.ino, status.mtimeMs, status.ctimeMs, content].join(' ');
    }),
  );
}

const git = (...parameters: string[]) =>
  execFileSync('git', ['-c', 'safe.directory=*', ...parameters], {
    cwd: join(home, 'volumes', workspace),
    encoding: 'utf8',
  });

describe('a first start', () => {
  test('makes every folder of the queue and gives it to the services', async () => {
    await run();
    const logs = ['logs/runner', 'logs/gateway', 'logs/matrix-listener', 'logs/dashboard'];
    for (const folder of [...queueFolders, 'runs', 'memory', 'workspaces', ...logs])
      expect(await facts(`volumes/${folder}`)).toMatch(new RegExp(`^${uid}:${gid} 7`));
  });

  test('gives each service what it needs and no more', async () => {
    await run();
    expect(await facts('named/slots')).toBe(`${uid}:${gid} 711`);
    expect(await facts('named/model-slots')).toBe(`${uid}:${gid} 711`);
    expect(await facts('named/spool-shell')).toBe(`${uid}:${gid} 770`);
    expect(await facts('named/spool-matrix')).toBe(`${uid}:${gid} 770`);
    expect(await facts('named/spool-dashboard')).toBe(`${uid}:${gid} 770`);
    expect(await facts('named/page-socket')).toBe(`${uid}:${gid} 2770`);
    expect(await facts('named/dashboard-index')).toBe(`${uid}:${gid} 700`);
    expect(await facts('named/launcher-services')).toBe(`${config.rootUid}:${gid} 2750`);
    expect(await facts('secrets/launcher')).toBe(`${config.rootUid}:${gid} 750`);
    expect(await facts('secrets/launcher/dashboard.pub.pem')).toBe(`${config.rootUid}:${gid} 444`);
    expect(await facts('secrets/dashboard/login-token')).toBe(`${uid}:${gid} 600`);
    expect(await facts('named/gateway-control')).toBe(`${uid}:${gid} 2770`);
    expect(await facts('named/matrix-door')).toBe(`${uid}:${gid} 2770`);
    expect(await facts('named/listener-state')).toBe(`${uid}:${gid} 700`);
    expect(await facts('named/synapse')).toBe(`${uid}:${gid} 700`);
    expect(await facts('named/launcher-control')).toBe(`${config.rootUid}:${gid} 2750`);
    expect(await facts('volumes/logs/launcher')).toBe(`${config.rootUid}:${gid} 2750`);
    for (const service of ['cli', 'runner', 'enrol', 'matrix-listener', 'synapse', 'dashboard'])
      expect(await facts(`secrets/${service}`)).toBe(`${uid}:${gid} 700`);
    for (const secret of [
      'cli/signing.key.pem',
      'matrix-listener/signing.key.pem',
      'dashboard/signing.key.pem',
      'enrol/registration.secret',
      'synapse/registration.secret',
      'synapse/macaroon.secret',
      'synapse/form.secret',
      'synapse/signing.key',
    ])
      expect(await facts(`secrets/${secret}`)).toBe(`${uid}:${gid} 400`);
    for (const channel of ['shell', 'matrix', 'dashboard'])
      expect(await facts(`secrets/runner/${channel}.pub.pem`)).toBe(`${uid}:${gid} 444`);
  });

  test.each([
    ['shell', 'cli'],
    ['matrix', 'matrix-listener'],
    ['dashboard', 'dashboard'],
  ] as const)('makes a pair of keys for %s whose halves fit', async (channel, holder) => {
    await run();
    const key = readSigningKey(await readFile(join(home, `secrets/${holder}/signing.key.pem`), 'utf8'));
    const publicKey = readVerifyingKey(await readFile(join(home, `secrets/runner/${channel}.pub.pem`), 'utf8'));
    const command = signCommand(
      {
        version: 1,
        id: 'abcdefghijklmnop',
        kind: 'send',
        subject: { text: 'x' },
        actor: { channel, user: 'x' },
        evidence: '',
        issued_at: '2026-11-20T10:00:00.000Z',
        expires_at: '2026-11-20T10:00:00.000Z',
        key_id: `${channel}-0000000000000000`,
      },
      key,
    );
    expect(isSignatureGood(command, publicKey)).toBe(true);
  });

  test('makes the example workspace: a clean repository with the plan, all of it the operator’s', async () => {
    await run();
    // Before git is asked, which rewrites its index as this test's user.
    const owners = (await snapshot(join(home, 'volumes', workspace))).map((line) =>
      line.split(' ').slice(1, 3).join(':'),
    );
    expect(new Set(owners)).toEqual(new Set([`${uid}:${gid}`]));
    expect(git('status', '--porcelain=v1', '--branch')).toBe('## main\n');
    expect(git('log', '--format=%an <%ae>')).toBe('Countersign <countersign@localhost>\n');
    expect(git('ls-files').split('\n')).toContain('.project/specs/execution-plan.md');
    expect(git('show', 'HEAD:.project/specs/execution-plan.md')).toContain('1. Create hello.txt with a message');
  });

  test('says each thing once', async () => {
    const lines = await run();
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines).toContain('made: volumes/inbox/pending');
    expect(lines).toContain('made: volumes/workspaces/mini-control-plane');
  });

  test('F41 makes a home passable that only root could enter, and changes nothing else about it', async () => {
    await chmod(config.volumes, 0o700);
    await run();
    expect((await lstat(config.volumes)).mode & 0o777).toBe(isRoot ? 0o701 : 0o700);
  });
});

describe('a second start', () => {
  test('changes nothing at all', async () => {
    await run();
    const before = await snapshot();
    const lines = await run();
    expect(await snapshot()).toEqual(before);
    expect(lines.filter((line) => !line.startsWith('left alone: '))).toEqual([]);
  });

  test('leaves alone how open the operator made a folder, and mends one that its owner cannot use', async () => {
    await run();
    await chmod(join(home, 'volumes/inbox'), 0o777);
    await chmod(join(home, 'volumes/outbox'), 0o055);
    await run();
    expect(await facts('volumes/inbox')).toBe(`${uid}:${gid} 777`);
    expect(await facts('volumes/outbox')).toBe(`${uid}:${gid} 755`);
  });

  test('closes a secret that was left open', async () => {
    await run();
    await chmod(join(home, 'secrets/cli'), 0o777);
    await chmod(join(home, 'secrets/cli/signing.key.pem'), 0o644);
    await run();
    expect(await facts('secrets/cli')).toBe(`${uid}:${gid} 700`);
    expect(await facts('secrets/cli/signing.key.pem')).toBe(`${uid}:${gid} 400`);
  });

  test('gives the services what the operator wrote for them, and leaves it alone from then on', async () => {
    await run();
    const path = join(home, 'secrets/matrix-listener/matrix-bot.env');
    await writeFile(path, 'MATRIX_BOT_TOKEN=x\n', { mode: 0o644 });
    await run();
    expect(await facts('secrets/matrix-listener/matrix-bot.env')).toBe(`${uid}:${gid} 600`);
    const before = await snapshot();
    await run();
    expect(await snapshot()).toEqual(before);
    expect(await readFile(path, 'utf8')).toBe('MATRIX_BOT_TOKEN=x\n');
  });

  test('does not bring back an example workspace that was removed', async () => {
    await run();
    await rm(join(home, 'volumes', workspace), { recursive: true });
    await run();
    expect(await readdir(join(home, 'volumes/workspaces'))).toEqual([]);
  });

  test('never touches a workspace of the same name that was there before, nor its owner', async () => {
    await mkdir(join(home, 'volumes', workspace), { recursive: true });
    await writeFile(join(home, 'volumes', workspace, 'mine'), 'x');
    const before = await facts(`volumes/${workspace}/mine`);
    await run();
    expect(await readdir(join(home, 'volumes', workspace))).toEqual(['mine']);
    expect(await facts(`volumes/${workspace}/mine`)).toBe(before);
  });

  test('goes on where an earlier one was interrupted', async () => {
    await run();
    await rename(join(home, 'volumes', workspace), join(home, 'volumes/.mini-control-plane.making'));
    const sentinel = join(home, 'volumes/.countersign.json');
    await writeFile(sentinel, (await readFile(sentinel, 'utf8')).replace('"mini-control-plane"', ''));
    await run();
    expect(git('status', '--porcelain')).toBe('');
    expect(await readdir(config.volumes)).not.toContain('.mini-control-plane.making');
  });
});

describe('refused, with nothing changed and what to do', () => {
  test('F41 other ids than before', async () => {
    await run();
    const before = await snapshot();
    await expect(run({ uid: uid + 1 })).rejects.toThrow(/belong to \d+:\d+[\s\S]*scripts\/up/);
    expect(await snapshot()).toEqual(before);
  });

  test('a damaged record', async () => {
    await run();
    await writeFile(join(home, 'volumes/.countersign.json'), '{');
    await expect(run()).rejects.toThrow('.countersign.json is damaged');
  });

  test('a record that is a link, which root would follow', async () => {
    await run();
    await rename(join(home, 'volumes/.countersign.json'), join(home, 'elsewhere.json'));
    await symlink(join(home, 'elsewhere.json'), join(home, 'volumes/.countersign.json'));
    await expect(run()).rejects.toThrow('.countersign.json is a symbolic link');
  });

  test('a file or a link where a folder belongs', async () => {
    await mkdir(join(home, 'elsewhere'), { mode: 0o755 });
    await symlink(join(home, 'elsewhere'), join(home, 'volumes/inbox'));
    const before = await facts('elsewhere');
    await expect(run()).rejects.toThrow('volumes/inbox is not a folder');
    expect(await facts('elsewhere')).toBe(before);
  });

  describe.each([
    ['shell', 'cli'],
    ['matrix', 'matrix-listener'],
    ['dashboard', 'dashboard'],
  ])('of the channel %s', (channel, holder) => {
    const privateHalf = () => join(home, `secrets/${holder}/signing.key.pem`);
    const publicHalf = () => join(home, `secrets/runner/${channel}.pub.pem`);

    test('a public key without its private half', async () => {
      await run();
      await rm(privateHalf());
      await expect(run()).rejects.toThrow(/signing\.key\.pem is not[\s\S]*Restore it/);
    });

    test('halves that do not fit', async () => {
      await run();
      await rename(privateHalf(), join(home, 'old.pem'));
      await rename(publicHalf(), join(home, 'old.pub.pem'));
      await run();
      await rename(join(home, 'old.pub.pem'), publicHalf());
      await expect(run()).rejects.toThrow('is not the public half of');
    });

    test('a key that is none', async () => {
      await run();
      await chmod(privateHalf(), 0o600);
      await writeFile(privateHalf(), 'hello');
      await expect(run()).rejects.toThrow('signing.key.pem cannot be used');
    });
  });

  test("the halves of two channels: one channel's public key is not the other's", async () => {
    await run();
    await rename(join(home, 'secrets/runner/shell.pub.pem'), join(home, 'secrets/runner/matrix.pub.pem'));
    await expect(run()).rejects.toThrow(/matrix\.pub\.pem is not the public half of/);
  });

  test('W30 a login token that is none', async () => {
    await run();
    await chmod(join(home, 'secrets/dashboard/login-token'), 0o600);
    for (const damaged of ['', 'hello\n', `${'a'.repeat(44)}\n`]) {
      await writeFile(join(home, 'secrets/dashboard/login-token'), damaged);
      await expect(run()).rejects.toThrow(/login-token cannot be used[\s\S]*Remove it for a new one/);
    }
  });

  test('a home that is not mounted', async () => {
    await expect(run({ volumes: join(home, 'nowhere') })).rejects.toThrow('cannot be read');
  });
});

test.each(['shell', 'matrix', 'dashboard'])(
  'a missing public half of %s is made from the private one',
  async (channel) => {
    await run();
    const path = join(home, `secrets/runner/${channel}.pub.pem`);
    const before = await readFile(path, 'utf8');
    await rm(path);
    expect(await run()).toContain(`made: secrets/runner/${channel}.pub.pem`);
    expect(await readFile(path, 'utf8')).toBe(before);
  },
);

test('W30 the login token has 256 bits, is its owner’s alone, and another one when it was removed', async () => {
  await run();
  const path = join(home, 'secrets/dashboard/login-token');
  const first = await readFile(path, 'utf8');
  expect(Buffer.from(first.trim(), 'base64url')).toHaveLength(32);
  await chmod(path, 0o644);
  const lines = await run();
  expect(await facts('secrets/dashboard/login-token')).toBe(`${uid}:${gid} 600`);
  expect(await readFile(path, 'utf8')).toBe(first);
  await rm(path);
  lines.push(...(await run()));
  const second = await readFile(path, 'utf8');
  expect(second).not.toBe(first);
  expect(lines.join()).not.toContain(first.trim());
  expect(lines.join()).not.toContain(second.trim());
});

test('the launcher’s copy of the dashboard’s key follows the runner’s', async () => {
  await run();
  const read = (holder: string) => readFile(join(home, `secrets/${holder}/dashboard.pub.pem`), 'utf8');
  expect(await read('launcher')).toBe(await read('runner'));
  const before = await read('runner');
  for (const path of ['dashboard/signing.key.pem', 'runner/dashboard.pub.pem']) await rm(join(home, 'secrets', path));
  expect(await run()).toContain('changed: secrets/launcher/dashboard.pub.pem');
  expect(await read('launcher')).toBe(await read('runner'));
  expect(await read('runner')).not.toBe(before);
});

test('the ids come from the environment, and root is not among them', () => {
  expect(readInitConfig({ INIT_UID: '10001', INIT_GID: '10002', PATH: '/bin' })).toMatchObject({
    uid: 10_001,
    gid: 10_002,
  });
  for (const environment of [
    {},
    { INIT_UID: '0', INIT_GID: '1' },
    { INIT_UID: 'x', INIT_GID: '1' },
    { INIT_UID: '1', INIT_GID: '1', INIT_GUD: '1' },
  ])
    expect(() => readInitConfig(environment)).toThrow('environment:0:');
});

describe('the format of the home', () => {
  const file = () => join(home, 'volumes', '.countersign.json');

  test('of the first version is brought up to date, and says the same as before', async () => {
    const kept = { id: '6f2c1a34-8f0e-4a57-9a3b-6f1f6e7a8b9c', uid, gid, workspaces: ['mini-control-plane'] };
    await writeFile(file(), `${JSON.stringify({ version: 1, ...kept }, null, 2)}\n`);
    expect(await run()).toContain('changed: volumes from format 1 to 2');
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({ version: 2, ...kept });
    expect((await run()).filter((line) => line.startsWith('changed'))).toEqual([]);
  });

  test('of a newer version is refused in words, and nothing is changed', async () => {
    await writeFile(file(), JSON.stringify({ version: 3, anything: 'else' }));
    const before = await snapshot();
    await expect(run()).rejects.toThrow('format 3, which a newer Countersign wrote; this one knows 2');
    expect(await snapshot()).toEqual(before);
  });

  test('does not matter to a house that was moved elsewhere, or is half moved in: nothing starts', async () => {
    await run();
    await writeFile(join(home, 'volumes/.countersign.moved.json'), '{}');
    await expect(run()).rejects.toThrow('scripts/countersign export --take-back');
    await rm(join(home, 'volumes/.countersign.moved.json'));
    await mkdir(join(home, 'volumes/.countersign-import'));
    const plan = { version: 1, id: '0'.repeat(32), archive: 'a'.repeat(64) };
    const put = (phase: string) =>
      writeFile(join(home, 'volumes/.countersign-import/plan.json'), JSON.stringify({ ...plan, phase }));
    for (const phase of ['clearing', 'placing', 'of-a-newer-version']) {
      await put(phase);
      await expect(run(), phase).rejects.toThrow('cut off half-way');
    }
    await put('unpacking');
    await run();
  });
});
