import { RoomSettings } from '@countersign/contracts/config/room.ts';
import type { Announcing } from '../journals/announce.ts';
import type { Calling } from '../outbox/reminders.ts';
import { operator, saidAt } from './room-events.ts';

/** Somebody may decide in the room on every stage, and a phone may always ring. */
export function makeAnnouncing(volumes: string, change: Partial<Announcing> = {}): Announcing {
  return { volumes, mayDecide: () => true, mayRing: () => true, now: () => saidAt, ...change };
}

/** As shipped: without quiet hours, and with the operator to be called. */
export function makeCalling(change: Partial<Calling> = {}): Calling {
  return {
    settings: RoomSettings.parse({ version: 1 }),
    mayRing: () => true,
    personsOf: () => [operator],
    ...change,
  };
}
