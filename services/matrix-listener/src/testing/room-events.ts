import { createHash } from 'node:crypto';
import type { MatrixEventId, MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { ObservedEvent } from '../room/observed.ts';

export const room: MatrixRoomId = '!room:home.test';
export const otherRoom: MatrixRoomId = '!other:home.test';
export const bot: MatrixUserId = '@agentbot:home.test';
export const operator: MatrixUserId = '@operator:home.test';
export const stranger: MatrixUserId = '@stranger:home.test';
/** When events are said that say nothing else. */
export const saidAt = Date.parse('2026-11-20T12:00:00.000Z');

/** An event as a homeserver would put it into a timeline, as plain JSON. */
export type RawEvent = {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
};

/** The event id that a name stands for in tests. */
export function eventId(name: string): MatrixEventId {
  return `$${name}`;
}

/** A text that the operator says, unless it is told otherwise. */
export function said(name: string, body: string, change: Partial<RawEvent> = {}): RawEvent {
  return rawEvent(name, { content: { msgtype: 'm.text', body }, ...change });
}

export function reply(name: string, body: string, to: string, change: Partial<RawEvent> = {}): RawEvent {
  const relation = { 'm.in_reply_to': { event_id: eventId(to) } };
  return rawEvent(name, { content: { msgtype: 'm.text', body, 'm.relates_to': relation }, ...change });
}

export function reaction(name: string, key: string, to: string, change: Partial<RawEvent> = {}): RawEvent {
  const relation = { rel_type: 'm.annotation', event_id: eventId(to), key };
  return rawEvent(name, { type: 'm.reaction', content: { 'm.relates_to': relation }, ...change });
}

export function edit(name: string, body: string, of: string, change: Partial<RawEvent> = {}): RawEvent {
  const content = {
    msgtype: 'm.text',
    body: `* ${body}`,
    'm.new_content': { msgtype: 'm.text', body },
    'm.relates_to': { rel_type: 'm.replace', event_id: eventId(of) },
  };
  return rawEvent(name, { content, ...change });
}

/** @param version of the room: up to 10 the target stands in the event, since then in its content */
export function redaction(name: string, of: string, version: 10 | 11 = 11, change: Partial<RawEvent> = {}): RawEvent {
  const target = { redacts: eventId(of) };
  const place = version === 11 ? { content: target } : { ...target, content: {} };
  return rawEvent(name, { type: 'm.room.redaction', ...place, ...change });
}

/** As the listener reads it. */
export function observed(event: RawEvent): ObservedEvent {
  return ObservedEvent.parse(event);
}

/** An event id of a homeserver's making. */
export function hashedId(seed: string): MatrixEventId {
  return `$${createHash('sha256').update(seed).digest('base64url')}`;
}

function rawEvent(name: string, change: Partial<RawEvent>): RawEvent {
  return {
    event_id: eventId(name),
    type: 'm.room.message',
    sender: operator,
    origin_server_ts: saidAt,
    content: {},
    ...change,
  };
}
