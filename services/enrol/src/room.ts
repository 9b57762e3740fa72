import { MatrixRoomId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';
import type { Report } from './enrol-error.ts';
import type { Homeserver } from './homeserver.ts';
import { aliasName, botUser, operatorUser, roomAlias } from './names.ts';

const Made = z.object({ room_id: MatrixRoomId });
const Nothing = z.object({});
const Members = z.object({ joined: z.record(z.string(), z.unknown()) });
const State = z.array(z.object({ type: z.string() }));

const aliasPath = `/directory/room/${encodeURIComponent(roomAlias)}`;
const inRoom = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`;

/** What createRoom writes after the room has its name: a room without one of them was cut off in the making. */
const neededState = ['m.room.power_levels', 'm.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access'];

/**
 * The operator makes it: in room version 12 who makes a room has power without end, and the bot must not. All that the bot may
 * do is to write and to react.
 */
const roomToMake = {
  preset: 'private_chat',
  visibility: 'private',
  room_version: '12',
  name: 'Countersign',
  topic: 'What waits for you, and your answers.',
  room_alias_name: aliasName,
  creation_content: { 'm.federate': false },
  power_level_content_override: {
    users: {},
    users_default: 0,
    events: {},
    events_default: 0,
    state_default: 100,
    invite: 100,
    kick: 100,
    ban: 100,
    redact: 100,
  },
  initial_state: [
    { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'invite' } },
    { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'forbidden' } },
    { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'shared' } },
  ],
};

/** Whether operator and bot are both in the room, asked with the token of either. */
export async function areBothIn(homeserver: Homeserver, room: string, token: string): Promise<boolean> {
  const members = await membersOf(homeserver, room, token);
  return members.has(operatorUser) && members.has(botUser);
}

/** The room's id: the one that has the alias, or a new one; both are in it then. @throws EnrolError */
export async function ensureRoom(
  homeserver: Homeserver,
  operator: string,
  bot: string,
  report: Report,
): Promise<string> {
  const room = (await findRoom(homeserver, operator)) ?? (await makeRoom(homeserver, operator, report));
  if (!(await membersOf(homeserver, room, operator)).has(botUser)) {
    const invitation = { method: 'POST', path: inRoom(room, 'invite'), token: operator } as const;
    await homeserver.must({ ...invitation, body: { user_id: botUser }, answer: Nothing });
    await homeserver.must({ method: 'POST', path: inRoom(room, 'join'), token: bot, body: {}, answer: Nothing });
  }
  return room;
}

async function findRoom(homeserver: Homeserver, operator: string): Promise<string | null> {
  const found = await homeserver.call({ method: 'GET', path: aliasPath, token: operator, answer: Made });
  if (found.status === 'refused') return null;
  const room = found.value.room_id;
  if ((await isIn(homeserver, room, operator)) && (await isWhole(homeserver, room, operator))) return room;
  // A room that the operator has left has nobody who could let him in again: the name goes to a new one.
  await homeserver.must({ method: 'DELETE', path: aliasPath, token: operator, answer: Nothing });
  return null;
}

async function makeRoom(homeserver: Homeserver, operator: string, report: Report): Promise<string> {
  const made = await homeserver.must({
    method: 'POST',
    path: '/createRoom',
    token: operator,
    body: roomToMake,
    answer: Made,
  });
  report(`made: ${made.room_id}`);
  return made.room_id;
}

/** Joining a room that one is in already changes nothing. */
async function isIn(homeserver: Homeserver, room: string, token: string): Promise<boolean> {
  const join = { method: 'POST', path: inRoom(room, 'join'), token, body: {}, answer: Nothing } as const;
  return (await homeserver.call(join)).status === 'ok';
}

async function isWhole(homeserver: Homeserver, room: string, token: string): Promise<boolean> {
  const state = await homeserver.call({ method: 'GET', path: inRoom(room, 'state'), token, answer: State });
  if (state.status === 'refused') return false;
  const types = new Set(state.value.map(({ type }) => type));
  return neededState.every((type) => types.has(type));
}

async function membersOf(homeserver: Homeserver, room: string, token: string): Promise<ReadonlySet<string>> {
  const path = inRoom(room, 'joined_members');
  const members = await homeserver.call({ method: 'GET', path, token, answer: Members });
  return new Set(members.status === 'ok' ? Object.keys(members.value.joined) : []);
}
