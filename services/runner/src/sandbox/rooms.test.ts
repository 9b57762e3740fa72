import type { Slot } from '@countersign/contracts/gateway-api.ts';
import type { Post, Room, RoomEvent } from '@countersign/contracts/task-room.ts';
import { expect, test } from 'vitest';
import { closedRoom, Rooms } from './rooms.ts';

const id = 'a'.repeat(32);
const post: Post = {
  transaction: 't1',
  question: { text: 'Which port?', options: [], default: null, deadline_sec: 60 },
};
const reading: Slot = {
  id,
  tokens: { prompt: 0, completion: 0, requests: 0 },
  exceeded: null,
  events: null,
  posts: [],
};
const event: RoomEvent = {
  kind: 'question',
  id: '00000000000000aa',
  transaction: 't1',
  text: 'Which port?',
  at: '2026-11-20T10:00:00.000Z',
};

function begin() {
  const told: Room[] = [];
  const rooms = new Rooms({
    tellRoom: (_slot, room) => {
      told.push(room);
      return Promise.resolve(reading);
    },
  });
  return { rooms, told };
}

test('what is asked is taken, and what stands in the room is told; then there is nothing more to tell', async () => {
  const { rooms, told } = begin();
  const events: RoomEvent[] = [];
  rooms.open(id, {
    take: () => {
      events.push(event);
      return Promise.resolve(null);
    },
    events: () => Promise.resolve(events),
  });
  await rooms.serve(reading);
  expect(told).toEqual([]);
  await rooms.serve({ ...reading, events: 0, posts: [post] });
  expect(told).toEqual([{ events: [event], refusals: [] }]);
  await rooms.serve({ ...reading, events: 1 });
  expect(told).toHaveLength(1);
  // A gateway that was restarted knows nothing.
  await rooms.serve(reading);
  expect(told[1]).toEqual(told[0]);
});

test('who may ask nothing is told so, and who is not known yet waits', async () => {
  const { rooms, told } = begin();
  await rooms.serve({ ...reading, posts: [post] });
  expect(told).toEqual([]);
  rooms.open(id, closedRoom);
  await rooms.serve({ ...reading, posts: [post] });
  expect(told).toMatchObject([{ events: [], refusals: [{ transaction: 't1', errcode: 'M_FORBIDDEN' }] }]);
  rooms.close(id);
  await rooms.serve({ ...reading, posts: [post] });
  expect(told).toHaveLength(1);
});

test('a room that cannot be written to now is served by one look at a time, and again afterwards', async () => {
  const { rooms, told } = begin();
  const disk = Promise.withResolvers<null>();
  let takes = 0;
  rooms.open(id, {
    take: () => {
      takes += 1;
      return takes === 1 ? disk.promise : Promise.resolve(null);
    },
    events: () => Promise.resolve([event]),
  });
  const first = rooms.serve({ ...reading, posts: [post] });
  await rooms.serve({ ...reading, posts: [post] });
  expect(takes).toBe(1);
  disk.reject(new Error('no room on the disk'));
  await expect(first).rejects.toThrow('no room on the disk');
  await rooms.serve({ ...reading, posts: [post] });
  expect(told).toMatchObject([{ events: [{ transaction: 't1' }] }]);
});

test('what came about while a room was served is told without another turn', async () => {
  const { rooms, told } = begin();
  const events: RoomEvent[] = [event];
  const looked = Promise.withResolvers<void>();
  let isFirst = true;
  rooms.open(id, {
    take: () => Promise.resolve(null),
    events: async () => {
      const now = [...events];
      if (isFirst) await looked.promise;
      isFirst = false;
      return now;
    },
  });
  const first = rooms.serve(reading);
  events.push({ ...event, transaction: 't2' });
  await rooms.serve(reading);
  looked.resolve();
  await first;
  expect(told.map((room) => room.events.length)).toEqual([1, 2]);
});
