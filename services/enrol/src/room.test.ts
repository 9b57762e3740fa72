import { describe, expect, test } from 'vitest';
import { Homeserver } from './homeserver.ts';
import { ensureRoom } from './room.ts';
import { ScriptedHomeserver } from './testing/scripted-homeserver.ts';

const alias = '/directory/room/#countersign:countersign.local';
const whole = [
  'm.room.create',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
];
const both = { joined: { '@operator:countersign.local': {}, '@agentbot:countersign.local': {} } };

/** A Synapse on which the alias leads to `!old`, with that state. */
async function found(types: readonly string[], change: Readonly<Record<string, object>> = {}) {
  const server = await ScriptedHomeserver.start((line) => {
    const changed = change[line];
    if (changed !== undefined) return changed;
    if (line === `GET ${alias}`) return { body: { room_id: '!old' } };
    if (line === 'GET /rooms/!old/state') return { body: types.map((type) => ({ type })) };
    if (line === 'POST /createRoom') return { body: { room_id: '!new' } };
    if (line.endsWith('/joined_members')) return { body: both };
    return {};
  });
  const ensure = () => ensureRoom(new Homeserver(server.url), 'operator-token', 'bot-token', () => undefined);
  return { server, ensure, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('the room that has the alias', () => {
  test('is taken when it is whole', async () => {
    await using ground = await found(whole);
    expect(await ground.ensure()).toBe('!old');
    expect(ground.server.asked).not.toContain('POST /createRoom');
  });

  test.each(whole.slice(1))('is given up when Synapse was stopped before it had %s', async (missing) => {
    await using ground = await found(whole.filter((type) => type !== missing));
    expect(await ground.ensure()).toBe('!new');
    expect(ground.server.asked).toContain(`DELETE ${alias}`);
    expect(ground.server.asked.indexOf(`DELETE ${alias}`)).toBeLessThan(
      ground.server.asked.indexOf('POST /createRoom'),
    );
  });

  test('is given up when the operator cannot enter it', async () => {
    await using ground = await found(whole, {
      'POST /rooms/!old/join': { status: 403, body: { errcode: 'M_FORBIDDEN' } },
    });
    expect(await ground.ensure()).toBe('!new');
  });

  test('is neither given up nor made again while Synapse fails', async () => {
    await using ground = await found(whole, { [`GET ${alias}`]: { status: 500, body: { errcode: 'M_UNKNOWN' } } });
    await expect(ground.ensure()).rejects.toThrow('Synapse failed');
    expect(ground.server.asked).toEqual([`GET ${alias}`]);
  });
});

test('an id that is none is refused before it gets into a path', async () => {
  await using ground = await found(whole, { [`GET ${alias}`]: { body: { room_id: '../../_synapse/admin' } } });
  await expect(ground.ensure()).rejects.toThrow('is no homeserver');
});
