import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { docker } from '../support/launcher-fixture.ts';
import type { Session } from '../support/matrix-http.ts';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';
import { Synapse } from '../support/synapse.ts';

/**
 * An address of the tailnet's range that this host answers to, on its loopback interface as Tailscale's own would be on its
 * interface: containers reach it through the host.
 */
const tailnetAddress = '100.96.7.1';
const modelLabel = 'countersign.test-model=own-servers';

let synapse: Synapse;
let operator: Session;
let bot: Session;
let room: string;
let model: { readonly id: string; readonly port: number };

beforeAll(async () => {
  await execa('ip', ['address', 'replace', `${tailnetAddress}/32`, 'dev', 'lo']);
  synapse = await Synapse.start('own-servers', { publishOn: tailnetAddress });
  operator = await synapse.registerUser('alice');
  bot = await synapse.registerUser('helper');
  room = await synapse.makeRoom(operator, [bot]);
  model = await startModel();
});
afterAll(async () => {
  await docker('rm', '--force', model.id);
  await synapse[Symbol.asyncDispose]();
  await execa('ip', ['address', 'delete', `${tailnetAddress}/32`, 'dev', 'lo']);
});

/** A model server that is no part of any stack. */
async function startModel(): Promise<{ id: string; port: number }> {
  const left = await docker('ps', '-aq', '--filter', `label=${modelLabel}`);
  if (left !== '') await docker('rm', '-f', ...left.split('\n'));
  const port = await freePort(tailnetAddress);
  const published = `${tailnetAddress}:${port}:11434`;
  const id = await docker('run', '-d', '--label', modelLabel, '-p', published, 'countersign/rehearsal-model:local');
  return { id, port };
}

type Settings = {
  readonly homeserver?: string;
  readonly token?: string;
  readonly room?: string;
  /** Null: there is no such file. */
  readonly bot?: string | null;
};

async function settle(configs: string, secrets: string, settings: Settings = {}): Promise<void> {
  const homeserver = settings.homeserver ?? synapse.url;
  await writeFile(
    join(configs, 'hosts.env'),
    `OLLAMA_BASE_URL=http://${tailnetAddress}:${model.port}\nMATRIX_HOMESERVER=${homeserver}\n`,
  );
  const agent = join(configs, 'agent.env');
  await writeFile(agent, (await readFile(agent, 'utf8')).replace(/^OLLAMA_MODEL=.*$/m, 'OLLAMA_MODEL=rehearsal'));
  const stages = join(configs, 'stages.yaml');
  await writeFile(stages, (await readFile(stages, 'utf8')).replaceAll('@operator:countersign.local', operator.user));
  const file = join(secrets, 'matrix-listener', 'matrix-bot.env');
  await rm(file, { force: true });
  if (settings.bot === null) return;
  const lines = [
    `MATRIX_BOT_USER=${settings.bot ?? bot.user}`,
    `MATRIX_BOT_TOKEN=${settings.token ?? bot.token}`,
    `MATRIX_ROOM_ID=${settings.room ?? room}`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
}

describe('with a homeserver and a model server of the operator', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.made('own', (configs, secrets) => settle(configs, secrets));
    await stack.mustUp();
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test('neither profile runs, and scripts/up says whose servers are used', async () => {
    const services = (await stack.compose('ps', '--all', '--format', '{{.Service}}')).stdout.split('\n');
    expect(services).toContain('matrix-listener');
    for (const name of ['synapse', 'enrol', 'ollama', 'rehearsal-model']) expect(services).not.toContain(name);
    const again = await stack.mustUp();
    expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      homeserver: synapse.url,
      operator: null,
      room,
      model: { kind: 'own', name: 'rehearsal' },
    });
  });

  test('a task is asked for, approved and done', async () => {
    const phone = new Phone(synapse, operator, room);
    await stack.drop('own.md', 'workspace: mini-control-plane\nstage: staging\n\ncreate own.txt with one\n');
    const asked = await phone.receives(['own.md']);
    expect(asked.sender).toBe(bot.user);
    const said = await phone.say('approve own.md');
    await stack.reaches('own.md', ['review']);
    await phone.signOn(said);
    await phone.showsAt(asked.event_id, ['own.md', 'asks for the merge']);
  });

  test('a bot that is removed says so, and goes on when it is invited again', async () => {
    const path = `/rooms/${encodeURIComponent(room)}`;
    await synapse.api('POST', `${path}/kick`, operator.token, { user_id: bot.user });
    const status = async () => {
      const { stdout } = await stack.countersign('status');
      return stdout;
    };
    await expect.poll(status, { timeout: 60_000 }).toContain(bot.user);
    expect(await status()).toMatch(/matrix-listener\s+failing/);
    await synapse.api('POST', `${path}/invite`, operator.token, { user_id: bot.user });
    await expect.poll(status, { timeout: 60_000 }).not.toContain('matrix-listener');
  });
});

describe('what is wrong is named by scripts/up and by countersign status', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.made('own-wrong');
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test.each<[string, () => Settings | Promise<Settings>, () => RegExp]>([
    ['a wrong token', () => ({ token: 'syt_no_such_token' }), () => /token/],
    ['a token of somebody else', () => ({ token: operator.token }), () => /belongs to another user/],
    ['an unknown room', () => ({ room: '!nosuchroom:countersign.local' }), () => /room !nosuchroom:countersign\.local/],
    [
      'a bot that is not in the room',
      async () => ({ room: await synapse.makeRoom(operator, []) }),
      () => new RegExp(`${bot.user} is not in the room`),
    ],
    [
      'a host that does not resolve',
      () => ({ homeserver: 'http://no-such-host.invalid:8008' }),
      () => /no-such-host\.invalid does not resolve/,
    ],
    [
      'a host that is not in the tailnet',
      () => ({ homeserver: 'http://192.168.77.1:8008' }),
      () => /192\.168\.77\.1.*tailnet.*ALLOWED_ADDRESSES/s,
    ],
  ])('%s', async (_what, wrong, words) => {
    await settle(stack.configs, stack.secrets, await wrong());
    const up = await stack.script('up', []);
    expect(up.exitCode).not.toBe(0);
    expect(up.stderr).toMatch(words());
    const status = await stack.countersign('status');
    expect(status.stdout).toMatch(words());
    expect(up.stderr + up.stdout + status.stdout).not.toContain('syt_');
  });

  test('a missing matrix-bot.env, with the lines to write', async () => {
    await settle(stack.configs, stack.secrets, { bot: null });
    const up = await stack.script('up', []);
    expect(up.exitCode).not.toBe(0);
    for (const line of ['MATRIX_BOT_USER=', 'MATRIX_BOT_TOKEN=', 'MATRIX_ROOM_ID=']) expect(up.stderr).toContain(line);
  });
});
