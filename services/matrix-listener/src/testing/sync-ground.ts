import { listenerLimits } from '../limits.ts';
import { SyncLoop } from '../room/sync-loop.ts';
import { Troubles } from '../troubles.ts';
import { makeGate, makeOutgoing } from './gates.ts';
import { keptLog } from './kept-log.ts';
import { startListening } from './listening.ts';
import { bot, room } from './room-events.ts';
import { TestRoom } from './test-room.ts';

const { signal } = new AbortController();
/** What was asked for in the room already. */
export const gate = makeGate({ task: 'gated', event: '$gate' });

/** A loop over a room in memory, which is turned by hand or runs. @param change what of the room is otherwise */
export async function beginSync(gates = [gate], change: Partial<TestRoom> = {}) {
  const server = new TestRoom();
  const monotonic = { now: 0 };
  const listening = await startListening(gates);
  const troubles = new Troubles();
  const { logger, lines } = keptLog();
  const start = (more: Partial<TestRoom> = {}) => {
    const homeserver = { ...server, ...change, ...more } as TestRoom;
    return new SyncLoop({ ...listening, room, bot, homeserver, troubles, logger, clock: () => monotonic.now });
  };
  const sync = start();
  const turn = () => sync.turn(0, signal);
  const full = () =>
    listening.change((next) => {
      for (let index = 0; index < listenerLimits.outgoing; index += 1) next.outgoing.push(makeOutgoing(`${index}`));
    });
  const evidence = () => listening.commands().map((command) => command.evidence);
  return { ...listening, server, monotonic, troubles, logs: lines, start, sync, turn, full, evidence };
}
