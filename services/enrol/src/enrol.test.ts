import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { enrol } from './enrol.ts';
import { botUser, operatorUser } from './names.ts';
import { ScriptedHomeserver } from './testing/scripted-homeserver.ts';

const clientUrl = 'http://127.0.0.1:8008';
const rule = 'PUT /pushrules/global/override/org.countersign.files';

/** A house in which all stands that an earlier version made. @param login how the operator's is answered */
async function standing(login: { status?: number; body: unknown } = { body: loggedIn }) {
  const folder = await mkdtemp(join(tmpdir(), 'enrol-'));
  const server = await ScriptedHomeserver.start((line) => {
    if (line === 'GET /account/whoami') return { body: { user_id: botUser } };
    if (line.endsWith('/joined_members')) return { body: { joined: { [operatorUser]: {}, [botUser]: {} } } };
    if (line === 'GET /_synapse/admin/v1/register') return { body: { nonce: 'n' } };
    if (line === 'POST /_synapse/admin/v1/register') return { status: 400, body: { errcode: 'M_USER_IN_USE' } };
    if (line === 'POST /login') return login;
    return {};
  });
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const env = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('');
  await writeFile(join(folder, 'registration.secret'), 'secret\n');
  await writeFile(
    join(folder, 'operator.env'),
    env({
      MATRIX_HOMESERVER: clientUrl,
      MATRIX_USER: operatorUser,
      MATRIX_PASSWORD: 'aaaa-bbbb-cccc-dddd-eeee-ffff',
      MATRIX_ROOM_ID: '!room',
    }),
  );
  await writeFile(
    join(folder, 'matrix-bot.env'),
    env({ MATRIX_BOT_USER: botUser, MATRIX_BOT_TOKEN: 'syt_bot', MATRIX_ROOM_ID: '!room' }),
  );
  const said: string[] = [];
  const config = { homeserver: server.url, clientUrl, secrets: folder, listenerSecrets: folder };
  const run = async () => {
    server.asked.length = 0;
    await enrol(config, (line) => void said.push(line));
    return server.asked.filter((line) => line === rule || line === 'POST /login' || line === 'POST /logout');
  };
  return { run, said, quiet: () => readFile(join(folder, 'quiet-files.room'), 'utf8').catch(() => null) };
}

const loggedIn = { user_id: operatorUser, access_token: 'syt_operator' };

test('a room of an earlier version gets the rule once, and nobody stays logged in', async () => {
  const { run, quiet } = await standing();
  expect(await run()).toEqual(['POST /login', rule, 'POST /logout']);
  expect(await quiet()).toBe('!room\n');
  expect(await run()).toEqual([]);
});

test('an operator with another password by now hinders nothing, and is told', async () => {
  const { run, quiet, said } = await standing({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect(await run()).toEqual(['POST /login']);
  expect(await quiet()).toBeNull();
  expect(said[0]).toMatch(/^files in the room ring like messages: @operator:countersign\.local cannot log in/);
  expect(said.at(-1)).toContain('are in !room');
});
