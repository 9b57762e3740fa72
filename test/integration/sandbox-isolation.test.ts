import { readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker, sandboxImage } from '../support/launcher-fixture.ts';
import { Assigner, type Result, shell } from '../support/sandbox-attempt.ts';
import { type Sandbox, Sandboxes } from '../support/sandbox-container.ts';
import { ModelServer } from '../support/sandbox-model.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;
let model: ModelServer;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('isolation');
  assigner = await Assigner.open(sandboxes.folder);
  model = await ModelServer.start();
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await sandboxes[Symbol.asyncDispose]();
});

async function startWithModel(): Promise<Sandbox> {
  const sandbox = await sandboxes.start();
  await model.openDoor(sandbox.modelFolder);
  return sandbox;
}

const linesOf = async (result: Result) =>
  String(await result.stdout())
    .split('\n')
    .filter((line) => line !== '');
/** What a tool prints, line by line. */
async function ask(sandbox: Sandbox, script: string): Promise<string[]> {
  const result = await assigner.run(sandbox, { command: shell(script), output_bytes: 4 * 1024 * 1024 });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  return await linesOf(result);
}

/** Sections that a tool prints, each behind a line of its own. */
function sections(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of lines) {
    const name = /^== (\S+)$/.exec(line)?.[1];
    if (name === undefined) {
      current.push(line);
      continue;
    }
    current = [];
    found.set(name, current);
  }
  return found;
}

const tryToConnect = `
  const net = require('node:net');
  const one = (options) => new Promise((resolve) => {
    const socket = net.connect(options, () => { socket.destroy(); resolve('connected'); });
    socket.once('error', ({ code }) => resolve(code));
  });`;

describe('what a tool finds around itself', () => {
  let sandbox: Sandbox;
  let found: Map<string, string[]>;
  const section = (name: string) => found.get(name);

  beforeAll(async () => {
    const resolve = `require('node:dns').lookup(process.argv[1], (error) => console.log(error ? error.code : 'resolved'))`;
    const reach = `${tryToConnect}
      (async () => {
        for (const host of ['192.0.2.1', '172.17.0.1', '169.254.169.254', '2001:db8::1'])
          console.log(host, await one({ host, port: 80 }));
        console.log('127.0.0.1', await one({ host: '127.0.0.1', port: 11434 }));
      })();`;
    const script = `
      echo '== devices'; sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev
      echo '== routes'; tail -n +2 /proc/net/route
      echo '== names'; for name in localhost example.com host.docker.internal; do node -e "${resolve}" "$name"; done
      echo '== reached'; node -e "$REACH"
      echo '== folders'; find / -path /proc -prune -o -type d -writable -print 2>/dev/null | grep -v '^/workspace/\\|^/tmp/' | sort
      echo '== files'; find / -path /proc -prune -o -type f -writable -print 2>/dev/null | grep -v '^/workspace/\\|^/tmp/'
      echo '== kernel'; find /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /sys -type f -writable 2>/dev/null
      echo '== rights'; find / -path /proc -prune -o -perm /6000 -type f -print 2>/dev/null
      echo '== capable'; find / -path /proc -prune -o -type f -exec getfattr -n security.capability {} + 2>/dev/null
      echo '== compilers'; for name in cc c++ gcc g++ cpp clang tcc as ld make rustc go; do command -v "$name"; done
      echo '== closed'; find / -path /proc -prune -o -type d -executable ! -readable -print 2>/dev/null
      echo '== sockets'; find / -path /proc -prune -o -type s -print 2>/dev/null | sort
      echo '== devices-of-blocks'; find /dev -type b
      echo '== environment'; env | cut -d= -f1 | sort
      echo '== environments'; cat /proc/[0-9]*/environ | tr '\\0' '\\n' | cut -d= -f1 | sort -u
      echo '== processes'; for each in /proc/[0-9]*; do cat $each/comm; done | sort -u
      echo '== user'; id -u; id -g; id -G`.replace('"$REACH"', () => `"${reach.replaceAll('$', '\\$')}"`);
    sandbox = await startWithModel();
    found = sections(await ask(sandbox, script));
  });

  test('S020 S026 S027 no interface but the loopback, and no route', () => {
    expect(section('devices')).toEqual(['lo']);
    expect(section('routes')).toEqual([]);
  });

  test('S022 no name that resolves but its own', () => {
    expect(section('names')).toEqual(['resolved', 'EAI_AGAIN', 'EAI_AGAIN']);
  });

  test('S020 S025 S026 no address that answers but the model', () => {
    expect(section('reached')).toEqual([
      '192.0.2.1 ENETUNREACH',
      '172.17.0.1 ENETUNREACH',
      '169.254.169.254 ENETUNREACH',
      '2001:db8::1 ENETUNREACH',
      '127.0.0.1 connected',
    ]);
  });

  test('S008 S010 S052 nothing to write to but its two folders, and memory of its own', () => {
    // The engine's shared memory and message queues: private to the container, counted as its memory, gone with it.
    expect(section('folders')).toEqual(['/dev/mqueue', '/dev/shm', '/tmp', '/workspace']);
    expect(section('files')).toEqual([]);
    expect(section('kernel')).toEqual([]);
  });

  test('C20 no compiler, but what the official image of Node would bring', async () => {
    const label = '{{index .Config.Labels "countersign.recipe"}}';
    const recipe = await docker('image', 'inspect', '--format', label, sandboxImage);
    expect(section('compilers')).toEqual(recipe === '' ? expect.anything() : []);
  });

  test('S017 C20 no file that raises anybody’s rights', () => {
    expect(section('rights')).toEqual([]);
    expect(section('capable')).toEqual([]);
    expect(section('user')).toEqual(['65532', '65532', '65532']);
  });

  test('S001 S004 no socket but the two of its slot: no engine’s either', async () => {
    expect(section('sockets')).toEqual([]);
    // The folders that can be entered and not be searched: nobody but the runner and the gateway may list them.
    expect(section('closed')?.sort()).toEqual(['/model', '/slot']);
    expect(await readdir(sandbox.slotFolder)).toEqual(['control.sock']);
    expect(await readdir(sandbox.modelFolder)).toEqual(['ollama.sock']);
    expect(section('devices-of-blocks')).toEqual([]);
  });

  test('S043 S070 no variable but the plain ones, in any process', () => {
    const plain = ['COUNTERSIGN_TASK_FOLDER', 'HOME', 'LANG', 'OLLAMA_HOST', 'PATH', 'PWD'];
    expect(section('environment')).toEqual(plain);
    const ofTheImage = ['HOSTNAME', 'NODE_ENV', 'NODE_NO_WARNINGS'];
    expect(section('environments')).toEqual([...plain, ...ofTheImage].sort());
  });

  test('S015 no process but its own and the agent', () => {
    const own = ['cat', 'docker-init', 'node-MainThread', 'sh', 'sort'];
    expect(own).toEqual(expect.arrayContaining(section('processes') ?? ['none']));
  });
});

test('S027 S045 two sandboxes cannot see each other', async () => {
  const [one, other] = [await startWithModel(), await startWithModel()];
  await writeFile(join(one.slotFolder, 'marker-one'), '', { mode: 0o644 });
  await writeFile(join(other.slotFolder, 'marker-other'), '', { mode: 0o644 });
  const otherId = basename(other.slotFolder);
  const waiting = await assigner.begin(other, {
    command: shell('touch /workspace/theirs /tmp/theirs /dev/shm/theirs; echo ready; sleep 600'),
  });
  await expect.poll(() => waiting.stdout(), { timeout: 20_000 }).toContain('ready');

  const paths = [
    '/slot/control.sock',
    '/model/ollama.sock',
    `/slot/../${otherId}/control.sock`,
    `/slots/${otherId}/control.sock`,
    `/model/../${otherId}/ollama.sock`,
    `/model-slots/${otherId}/ollama.sock`,
    join(other.slotFolder, 'control.sock'),
    join(other.modelFolder, 'ollama.sock'),
  ];
  const probe = `${tryToConnect} (async () => { for (const path of process.argv.slice(1)) console.log(await one({ path })); })();`;
  const found = sections(
    await ask(
      one,
      `echo '== markers'; for name in one other; do [ ! -e /slot/marker-$name ] || echo $name; done; ls /slot
       echo '== theirs'; find / -path /proc -prune -o -name theirs -print 2>/dev/null
       echo '== mentions'; cat /proc/[0-9]*/mountinfo /proc/net/unix | grep -c ${otherId}
       echo '== sleepers'; cat /proc/[0-9]*/comm | grep -c '^sleep$'
       echo '== connects'; node -e "${probe}" ${paths.join(' ')}`,
    ),
  );
  expect(found.get('markers')).toEqual(['one']);
  expect(found.get('theirs')).toEqual([]);
  expect(found.get('sleepers')).toEqual(['0']);
  expect(found.get('connects')).toEqual(['connected', 'connected', ...Array<string>(6).fill('ENOENT')]);
  expect(found.get('mentions')).toEqual(['0']);
  waiting.stop('test over');
  expect((await waiting.result()).end.reason).toBe('stopped');
});
