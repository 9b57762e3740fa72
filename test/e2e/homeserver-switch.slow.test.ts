import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docker } from '../support/launcher-fixture.ts';
import { Stack } from '../support/stack.ts';
import { Synapse } from '../support/synapse.ts';

// From the stack's own homeserver to one of the operator's and back, with what goes wrong on the way.
let stack: Stack;
let synapse: Synapse;
let address: string;

beforeAll(async () => {
  synapse = await Synapse.start('switch', { settings: { server_name: 'mac-studio' } });
  stack = await Stack.up('switch');
  await docker('network', 'connect', `${stack.project}_outward`, synapse.containerId);
  const path = `{{(index .NetworkSettings.Networks "${stack.project}_outward").IPAddress}}`;
  address = await docker('inspect', '--format', path, synapse.containerId);
});
afterAll(async () => {
  // A network with somebody in it is not removed.
  await synapse[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const botFile = () => join(stack.secrets, 'matrix-listener', 'matrix-bot.env');
const hosts = (text: string) => writeFile(join(stack.configs, 'hosts.env'), text);
const up = () => stack.script('up', ['--rehearsal', '--json']);

async function running(service: string): Promise<string> {
  return (await stack.compose('ps', '--quiet', service)).stdout.trim();
}

async function startOf(service: string): Promise<string> {
  return await docker('inspect', '--format', '{{.State.StartedAt}}', await running(service));
}

async function reported(): Promise<Record<string, unknown>> {
  const { stdout } = await stack.mustUp(['--rehearsal', '--json']);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

test('to the operator’s and back: nothing is lost, and no token is written over', async () => {
  const embedded = await readFile(botFile(), 'utf8');
  const { MATRIX_ROOM_ID: embeddedRoom } = parseEnv(embedded);

  await hosts(`MATRIX_HOMESERVER=http://${address}:8008\nALLOWED_ADDRESSES=${address}\n`);
  const refused = await up();
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/matrix-bot\.env is for the stack's own Synapse[\s\S]*Move it away/);
  expect(await running('synapse')).not.toBe('');

  const operator = await synapse.registerUser('alice');
  const bot = await synapse.registerUser('bot');
  const room = await synapse.makeRoom(operator, [bot]);
  const lines = (token: string) => `MATRIX_BOT_USER=${bot.user}\nMATRIX_BOT_TOKEN=${token}\nMATRIX_ROOM_ID=${room}\n`;
  await rename(botFile(), join(stack.secrets, 'embedded.env'));
  await writeFile(botFile(), lines('syt_wrong'), { mode: 0o644 });
  const startedAt = Date.now();
  const wrong = await up();
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stderr).toMatch(/Not healthy: matrix-listener\./);
  expect(wrong.stderr).toMatch(/matrix-listener says: .*token/);
  // Said as soon as it is known, not when the engine has lost its patience.
  expect(Date.now() - startedAt).toBeLessThan(50_000);

  await writeFile(botFile(), lines(bot.token));
  expect(await reported()).toMatchObject({ homeserver: `http://${address}:8008`, operator: null, room });
  expect(await stack.compose('ps', '--all', '--quiet', 'synapse', 'enrol')).toMatchObject({ stdout: '' });
  expect(await docker('volume', 'ls', '--quiet', '--filter', `name=${stack.project}_synapse`)).not.toBe('');

  const before = await startOf('matrix-listener');
  await reported();
  expect(await startOf('matrix-listener')).toBe(before);
  await writeFile(botFile(), `# another comment\n${lines(bot.token)}`);
  await reported();
  expect(await startOf('matrix-listener')).not.toBe(before);

  await hosts('');
  const kept = await readFile(botFile(), 'utf8');
  const foreign = await up();
  expect(foreign.exitCode).toBe(1);
  expect(foreign.stderr).toContain("who is no user of the stack's own Synapse");
  expect(await readFile(botFile(), 'utf8')).toBe(kept);
  await rm(botFile());
  expect(await reported()).toMatchObject({ operator: '@operator:countersign.local', room: embeddedRoom });
  for (const { stdout, stderr } of [refused, wrong, foreign])
    for (const secret of ['syt_wrong', bot.token, parseEnv(embedded)['MATRIX_BOT_TOKEN'] ?? ''])
      expect(stdout + stderr).not.toContain(secret);
}, 500_000);
