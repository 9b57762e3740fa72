import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { botUser } from './names.ts';
import { RotationGround } from './testing/rotation-ground.ts';

const program = fileURLToPath(new URL('rotate-main.ts', import.meta.url));

let ground: RotationGround;
beforeEach(async () => {
  ground = await RotationGround.make();
  ground.listen();
});
afterEach(() => ground[Symbol.asyncDispose]());

/** The program as it is in its container. */
async function run(args: readonly string[], input = '', change: Readonly<Record<string, string>> = {}) {
  const { homeserver, door, secrets, listenerSecrets, listenerLogs } = ground.config;
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      NODE_NO_WARNINGS: '1',
      ROTATE_HOMESERVER: homeserver,
      ROTATE_DOOR: door,
      ROTATE_SECRETS: secrets,
      ROTATE_LISTENER_SECRETS: listenerSecrets,
      ROTATE_LISTENER_LOGS: listenerLogs,
      ...change,
    },
  });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

test('says each step as it is done, and the end of it', async () => {
  const { code, stdout, stderr } = await run([]);
  expect([code, stdout]).toEqual([0, `${botUser} has a new token; what it had before is worth nothing any more.\n`]);
  expect(stderr.trimEnd().split('\n')).toEqual([
    `${botUser} has another token`,
    'the listener has it in its file',
    'the listener uses it',
    'sessions that were ended: 1',
  ]);
}, 30_000);

test('A30 as JSON, alone on standard output; a given token is read, and nobody is told any', async () => {
  const given = ground.account.logIn();
  const { code, stdout, stderr } = await run(['--given', '--json'], `${given}\n`);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toEqual({ bot: botUser, listener: 'uses-it', sessions_ended: 1 });
  expect(ground.bot.MATRIX_BOT_TOKEN).toBe(given);
  expect(stdout).not.toContain('syt_');
}, 30_000);

test('what is wrong is one message with the next step, and the token stays', async () => {
  await writeFile(join(ground.config.secrets, 'bot.password'), 'not-it\n');
  const { code, stdout, stderr } = await run(['--json']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^countersign: @agentbot:countersign\.local cannot log in: secrets\/enrol\/bot\.password/);
  expect(stderr).not.toMatch(/not-it|\n {4}at /);
  expect(ground.bot.MATRIX_BOT_TOKEN).toBe(ground.first);
  const misspelt = await run([], '', { ROTATE_SECRET: '/x' });
  expect([misspelt.code, misspelt.stderr]).toEqual([1, expect.stringContaining('unknown setting ROTATE_SECRET')]);
}, 30_000);

test('a file with half of a bot is told by its line, without what stands in it', async () => {
  const path = join(ground.config.listenerSecrets, 'matrix-bot.env');
  await ground.stopListening();
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^MATRIX_ROOM_ID=.*$/m, ''));
  const { code, stderr } = await run(['--now']);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^countersign: matrix-bot\.env:.*MATRIX_ROOM_ID/)]);
  expect(stderr).not.toContain('syt_');
}, 30_000);
