import type { RequestListener, ServerResponse } from 'node:http';
import type { Post } from '../adapters/matrix.ts';
import { type Asked, json, readRequest } from './door.ts';
import { room } from './room-events.ts';
import type { TestRoom } from './test-room.ts';

/** Whether something else than the room has answered a request. */
export type Interference = (asked: Asked, response: ServerResponse) => boolean;

/** The client API's routes before a room in memory, as the gateway's door forwards them. */
export function roomDoor(home: TestRoom, interfere: Interference = () => false): RequestListener {
  return async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const asked = await readRequest(request);
    if (interfere(asked, response)) return;
    const answer = await answerOf(home, asked, gone.signal);
    if (answer === null) json(response, 404, { errcode: 'M_NOT_FOUND', error: 'no such thing' });
    else json(response, 200, answer);
  };
}

/** What a request asks to be posted; null where it asks for something else. */
export function postOf(path: string, body: string): Post | null {
  const [, type, key = ''] = /\/send\/(m\.room\.message|m\.reaction)\/(\w+)$/.exec(path) ?? [];
  if (type !== 'm.room.message' && type !== 'm.reaction') return null;
  return { type, key, content: JSON.parse(body) };
}

async function answerOf(home: TestRoom, { path, query, body }: Asked, signal: AbortSignal): Promise<unknown> {
  const route = path.replace('/_matrix/client/v3/', '').replace(encodeURIComponent(room), 'ROOM');
  const post = postOf(path, body);
  if (post !== null) return { event_id: await home.send(post) };
  switch (route) {
    case 'account/whoami':
      return { user_id: await home.whoAmI() };
    case '/_matrix/media/v3/upload':
      return { content_uri: await home.upload(query['filename'] ?? '') };
    case 'joined_rooms':
      return { joined_rooms: [room] };
    case 'sync':
      return await home.sync(query['since'] ?? null, Number(query['timeout']), signal);
    case 'rooms/ROOM/messages':
      return await home.messages(query['from'] ?? '', query['to'] ?? '');
    default:
      return null;
  }
}
