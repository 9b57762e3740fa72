import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { keptLog } from '../testing/kept-log.ts';
import { startListening } from '../testing/listening.ts';
import { bot, otherRoom, room, said } from '../testing/room-events.ts';
import { TestRoom } from '../testing/test-room.ts';
import { Troubles } from '../troubles.ts';
import { SyncAnswer } from './observed.ts';
import { SyncLoop } from './sync-loop.ts';

const { signal } = new AbortController();
const timeline = { events: [said('there', 'approve gated'), said('here', 'approve gated', { room_id: room })] };

/** What a homeserver tells of rooms that are not the bot's. */
const elsewhere: readonly (readonly [string, object])[] = [
  ['an invitation', { invite: { [otherRoom]: { invite_state: { events: [] } } } }],
  ['an invitation from the operator', { invite: { [otherRoom]: { invite_state: { events: [said('i', 'x')] } } } }],
  ['a knock', { knock: { [otherRoom]: { knock_state: { events: [] } } } }],
  ['a room that it was put into', { join: { [otherRoom]: { timeline } } }],
  ['a room whose id is almost the same', { join: { [room.toUpperCase()]: { timeline } } }],
  ['a room of the same name', { join: { '#countersign:home.test': { timeline } } }],
  ['a room that it has left', { leave: { [otherRoom]: { timeline } } }],
];

test.each(elsewhere)('A18 %s is neither taken up nor heard', async (_, rooms) => {
  const listening = await startListening([makeGate({ task: 'gated' })]);
  const joined: unknown[] = [];
  let syncs = 0;
  const homeserver = {
    ...new TestRoom(),
    join: async (...asked: unknown[]) => void joined.push(asked),
    sync: async () => SyncAnswer.parse({ next_batch: `s${++syncs}`, rooms }),
  } as unknown as TestRoom;
  const { logger } = keptLog();
  const parts = { room, bot, homeserver, troubles: new Troubles(), logger, clock: () => 0 };
  const sync = new SyncLoop({ ...listening, ...parts });
  for (let turn = 0; turn < 3; turn += 1) await sync.turn(0, signal);
  expect([joined, listening.commands(), listening.answers()]).toEqual([[], [], []]);
  expect(listening.state.now.handled).toEqual([]);
});
