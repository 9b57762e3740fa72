import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { botUser, clientUrl, EnrolGround, operatorUser } from '../support/enrol-ground.ts';

let ground: EnrolGround;

beforeAll(async () => {
  ground = await EnrolGround.start('enrol');
});
afterAll(() => ground[Symbol.asyncDispose]());

const operatorFile = () => join(ground.secrets, 'operator.env');
const botFile = () => join(ground.listenerSecrets, 'matrix-bot.env');
const logins = (requests: readonly string[]) => requests.filter((line) => line.endsWith('/login')).length;

async function facts(path: string) {
  const { ino, mtimeMs, mode } = await stat(path);
  return { ino, mtimeMs, mode: mode & 0o777, text: await readFile(path, 'utf8') };
}

async function changePassword(password: string): Promise<void> {
  const session = await ground.client();
  const { MATRIX_PASSWORD } = await ground.operator();
  const auth = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: operatorUser },
    password: MATRIX_PASSWORD,
  };
  await ground.synapse.api('POST', '/account/password', session.token, { new_password: password, auth });
  await ground.synapse.api('POST', '/logout', session.token, {});
}

describe('a first run', () => {
  beforeAll(async () => {
    await ground.reset();
    await ground.mustRun();
  });

  test('makes bot, operator and room; both are in it, and nobody is left logged in', async () => {
    await ground.stands();
  });

  test('writes what the operator needs to log in at any client, readable to its owner alone', async () => {
    const operator = await ground.operator();
    expect(operator).toMatchObject({ MATRIX_HOMESERVER: clientUrl, MATRIX_USER: operatorUser });
    expect(operator.MATRIX_PASSWORD).toMatch(/^([a-z2-9]{4}-){5}[a-z2-9]{4}$/);
    for (const path of [operatorFile(), botFile(), join(ground.secrets, 'bot.password')])
      expect((await facts(path)).mode).toBe(0o600);
  });

  test('A03 A19 A30 makes a room that is private, not encrypted, of version 12, and in which the bot may only write', async () => {
    const { MATRIX_BOT_TOKEN: token, MATRIX_ROOM_ID: room } = await ground.bot();
    const state = (type: string, key = '') => ground.synapse.state(token, room, type, key);
    expect(await state('m.room.encryption')).toBeNull();
    expect(await state('m.room.create')).toMatchObject({ room_version: '12', 'm.federate': false });
    expect(await state('m.room.create')).not.toHaveProperty('additional_creators');
    expect(await state('m.room.join_rules')).toEqual({ join_rule: 'invite' });
    expect(await state('m.room.guest_access')).toEqual({ guest_access: 'forbidden' });
    expect(await state('m.room.history_visibility')).toEqual({ history_visibility: 'shared' });
    expect(await state('m.room.name')).toEqual({ name: 'Countersign' });
    expect(await state('m.room.power_levels')).toMatchObject({
      users: {},
      users_default: 0,
      events: {},
      events_default: 0,
      state_default: 100,
      invite: 100,
      kick: 100,
      ban: 100,
      redact: 100,
    });
  });

  test('A19 A30 the bot can neither invite nor rename nor give itself power, and the operator can', async () => {
    const { MATRIX_BOT_TOKEN: token, MATRIX_ROOM_ID: room } = await ground.bot();
    const path = `/rooms/${encodeURIComponent(room)}`;
    const power = { users: { [botUser]: 100 } };
    const eve = await ground.synapse.registerUser('eve');
    for (const [method, rest, body] of [
      ['POST', '/invite', { user_id: eve.user }],
      ['PUT', '/state/m.room.name', { name: 'mine' }],
      ['PUT', '/state/m.room.power_levels', power],
      ['PUT', '/state/m.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }],
      ['POST', '/kick', { user_id: operatorUser }],
    ] as const)
      expect((await ground.synapse.request(method, `${path}${rest}`, token, body)).status, rest).toBe(403);
    expect((await ground.synapse.request('POST', `${path}/join`, eve.token, {})).status).toBe(403);
    const operator = await ground.client();
    await ground.synapse.api('PUT', `${path}/state/m.room.name`, operator.token, { name: 'Countersign' });
  });

  test('neither of the two is an administrator of Synapse', async () => {
    const operator = await ground.client();
    for (const token of [operator.token, (await ground.bot()).MATRIX_BOT_TOKEN])
      expect((await ground.synapse.request('GET', '/_synapse/admin/v2/users', token)).status).toBe(403);
  });
});

describe('a further run', () => {
  let room: string;
  beforeEach(async () => {
    await ground.reset();
    await ground.mustRun();
    room = await ground.stands();
  });

  test('changes nothing and logs nobody in, also when the operator has another password by now', async () => {
    await changePassword('what I can remember');
    const before = [await facts(operatorFile()), await facts(botFile())];
    const { requests } = await ground.mustRun();
    expect([await facts(operatorFile()), await facts(botFile())]).toEqual(before);
    expect(requests.map((line) => line.split(' ')[0])).toEqual(['GET', 'GET']);
  });

  test('tells the operator the new address when the port has changed, and keeps the password', async () => {
    const before = await ground.operator();
    expect((await ground.run({ ENROL_CLIENT_URL: 'http://127.0.0.1:8018' })).exitCode).toBe(0);
    expect(await ground.operator()).toEqual({ ...before, MATRIX_HOMESERVER: 'http://127.0.0.1:8018' });
  });

  test('gives the listener a new token when its file is gone, without the operator', async () => {
    await rm(botFile());
    // Both are the bot's: one to end every session of before, and the one that counts.
    expect(logins((await ground.mustRun()).requests)).toBe(2);
    expect(await ground.stands()).toBe(room);
  });

  test('A30 a new token is the bot’s only one: who had another has nothing any more', async () => {
    const { MATRIX_BOT_TOKEN: old } = await ground.bot();
    const password = (await readFile(join(ground.secrets, 'bot.password'), 'utf8')).trim();
    const { token: elsewhere } = await ground.synapse.login(botUser, password);
    await rm(botFile());
    await ground.mustRun();
    expect(await ground.stands()).toBe(room);
    for (const token of [old, elsewhere])
      expect((await ground.synapse.request('GET', '/account/whoami', token)).status).toBe(401);
  });

  test('gives the listener a new token when the old one was logged out', async () => {
    const { MATRIX_BOT_TOKEN: old } = await ground.bot();
    await ground.synapse.api('POST', '/logout', old, {});
    await ground.mustRun();
    expect(await ground.stands()).toBe(room);
    expect((await ground.bot()).MATRIX_BOT_TOKEN).not.toBe(old);
  });

  test('finishes what was cut off between the writing of its two files', async () => {
    const text = await readFile(operatorFile(), 'utf8');
    await writeFile(operatorFile(), text.replace(/^MATRIX_ROOM_ID=.*\n/m, ''));
    await ground.mustRun();
    expect(await ground.stands()).toBe(room);
  });

  test('brings the bot back into the room that it was removed from', async () => {
    const operator = await ground.client();
    await ground.synapse.api('POST', `/rooms/${encodeURIComponent(room)}/kick`, operator.token, { user_id: botUser });
    await ground.synapse.api('POST', '/logout', operator.token, {});
    await ground.mustRun();
    expect(await ground.stands()).toBe(room);
  });

  test('makes another room when the operator has left this one, into which nobody could let him back', async () => {
    const operator = await ground.client();
    await ground.synapse.api('POST', `/rooms/${encodeURIComponent(room)}/leave`, operator.token, {});
    await ground.synapse.api('POST', '/logout', operator.token, {});
    await ground.mustRun();
    expect(await ground.stands()).not.toBe(room);
  });

  test('says what to do when it needs a password that is not the operator’s any more, and takes the new one', async () => {
    const password = `it's "new" #1`;
    await changePassword(password);
    const { MATRIX_BOT_TOKEN: token } = await ground.bot();
    await ground.synapse.api('POST', `/rooms/${encodeURIComponent(room)}/leave`, token, {});
    const { exitCode, output } = await ground.run();
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /MATRIX_PASSWORD in secrets\/enrol\/operator\.env is not the password[\s\S]*write the new one there/,
    );
    const text = await readFile(operatorFile(), 'utf8');
    await writeFile(operatorFile(), text.replace(/^MATRIX_PASSWORD=.*$/m, `MATRIX_PASSWORD=\`${password}\``));
    await ground.mustRun();
    expect(await ground.stands()).toBe(room);
    expect((await ground.operator()).MATRIX_PASSWORD).toBe(password);
  });

  test('says so when the bot’s password is lost together with its token', async () => {
    await rm(join(ground.secrets, 'bot.password'));
    await rm(botFile());
    const { exitCode, output } = await ground.run();
    expect(exitCode).toBe(1);
    expect(output).toMatch(/@agentbot:countersign\.local cannot log in: secrets\/enrol\/bot\.password/);
  });

  test('makes everything anew on a Synapse that has forgotten, with the same passwords', async () => {
    const { MATRIX_PASSWORD: password } = await ground.operator();
    const kept = [
      await readFile(operatorFile()),
      await readFile(botFile()),
      await readFile(join(ground.secrets, 'bot.password')),
    ];
    await ground.reset();
    for (const [index, path] of [operatorFile(), botFile(), join(ground.secrets, 'bot.password')].entries())
      await writeFile(path, kept[index] ?? '');
    await ground.mustRun();
    expect(await ground.stands()).not.toBe(room);
    expect((await ground.operator()).MATRIX_PASSWORD).toBe(password);
  });

  test('prints no secret, whatever happens', async () => {
    const secrets = async () => [
      (await ground.operator()).MATRIX_PASSWORD,
      (await ground.bot()).MATRIX_BOT_TOKEN,
      (await readFile(join(ground.secrets, 'bot.password'), 'utf8')).trim(),
      (await readFile(join(ground.secrets, 'registration.secret'), 'utf8')).trim(),
    ];
    const known = await secrets();
    await rm(botFile());
    const outputs = [(await ground.run()).output];
    known.push(...(await secrets()));
    await chmod(join(ground.secrets, 'registration.secret'), 0o600);
    await writeFile(join(ground.secrets, 'bot.password'), 'another-password\n');
    await rm(botFile());
    outputs.push((await ground.run()).output);
    await writeFile(botFile(), `MATRIX_BOT_TOKEN=${known[1]} ${known[1]}\n`);
    outputs.push((await ground.run()).output, (await ground.run({ ENROL_HOMESERVER: 'http://127.0.0.1:1' })).output);
    expect(outputs.every((output) => output.length > 20)).toBe(true);
    for (const secret of known) expect(outputs.join('\n')).not.toContain(secret);
  });
});

test('a token of another homeserver, put there by hand, is not written over', async () => {
  await ground.reset();
  const text = 'MATRIX_BOT_USER=@bot:mac-studio\nMATRIX_BOT_TOKEN=syt_mine\nMATRIX_ROOM_ID=!room:mac-studio\n';
  await writeFile(botFile(), text);
  const { exitCode, output } = await ground.run();
  expect(exitCode).toBe(1);
  expect(output).toMatch(/@bot:mac-studio, who is no user of the stack's own Synapse[\s\S]*move matrix-bot\.env away/);
  expect(output).not.toContain('syt_mine');
  expect(await readFile(botFile(), 'utf8')).toBe(text);
});

test('a Synapse that does not answer is named', async () => {
  await ground.reset();
  const { exitCode, output } = await ground.run({ ENROL_HOMESERVER: 'http://127.0.0.1:1' });
  expect(exitCode).toBe(1);
  expect(output).toContain('http://127.0.0.1:1 does not answer');
});
