import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from '@countersign/contracts/command.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { RateBudget } from '@countersign/kit/rate-budget.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { Patience } from '../patience.ts';
import { CommandWriter } from '../room/command-writer.ts';
import type { Attached } from '../room/read-file.ts';
import { type Reached, takeIn } from '../room/take-in.ts';
import type { Gate, ListenerState } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { keptLog } from './kept-log.ts';
import { bot, operator, room, saidAt } from './room-events.ts';
import { scratchFolder } from './scratch.ts';

const { privateKey } = generateKeyPairSync('ed25519');

/** What hears the room and writes commands, on folders of its own. `disk.fails` says of which file the writing fails. */
export async function startListening(gates: readonly Gate[] = [], folder = scratchFolder()) {
  const spool = scratchFolder();
  const volumes = scratchFolder();
  const disk = { fails: (_path: string): boolean => false };
  const write: typeof writeFileAtomic = (path, data, mode) =>
    disk.fails(path) ? Promise.reject(new Error('ENOSPC: no space left on device')) : writeFileAtomic(path, data, mode);
  const state = await StateFile.open(folder, room, bot, write);
  await state.update((next) => void next.gates.push(...gates));
  const clock = { now: saidAt, elapsed: 0 };
  const now = () => clock.now;
  const { logger, lines } = keptLog();
  const files = new Map<string, Promise<Uint8Array>>();
  const parts = {
    state,
    commands: new CommandWriter(spool, privateKey, now, write),
    strangers: new RateBudget(listenerLimits.strangerAnswers, listenerLimits.strangerWindowMs),
    questions: new RateBudget(listenerLimits.questionAnswers, listenerLimits.questionWindowMs),
    download: ({ media }: Attached) =>
      files.get(media) ?? Promise.reject(new HomeserverError('missing', 'no such file')),
    patience: new Patience(() => clock.elapsed),
    answering: { volumes, trouble: () => '', now },
    surroundings: { room, bot, approvers: new Set<string>([operator]), codeGivers: new Set<string>([operator]) },
    lines: new RateBudget(listenerLimits.logLines, listenerLimits.logWindowMs),
    logger,
    now,
    clock: () => clock.elapsed,
  };
  return {
    state,
    files,
    disk,
    clock,
    lines,
    folder,
    /** The folder that holds `runs/`. */
    volumes,
    hear: (...events: unknown[]) => takeIn(parts, events, { gap: null }),
    takeIn: (events: readonly unknown[], reached: Reached) => takeIn(parts, events, reached),
    /** The commands in the spool, in the order in which the runner takes them. */
    commands: () =>
      readdirSync(spool)
        .sort()
        .map((name) => Command.parse(JSON.parse(readFileSync(join(spool, name), 'utf8')))),
    /** What waits to be said to the room. */
    messages: () => state.now.outgoing.map(({ content }) => content),
    answers: () => state.now.outgoing.map(({ content }) => String(content['body'])),
    change: (change: (next: ListenerState) => void) => state.update(change),
  };
}
