import type { Surroundings } from '../room/judge.ts';
import { bot, operator, room, saidAt } from './room-events.ts';

/** The room a second after something was said in it, with one listed person; nothing has been asked there. */
export function makeSurroundings(change: Partial<Surroundings> = {}): Surroundings {
  return {
    room,
    bot,
    approvers: new Set([operator]),
    codeGivers: new Set([operator]),
    gates: [],
    tasks: [],
    redacted: new Set(),
    edited: new Set(),
    now: saidAt + 1_000,
    ...change,
  };
}
