import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from '@countersign/contracts/command.ts';
import { RoomSettings } from '@countersign/contracts/config/room.ts';
import { Stages } from '@countersign/contracts/config/stages.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { makeReviewTask, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { onTestFinished } from 'vitest';
import { runListener } from '../create-listener.ts';
import { writeBotFile } from './bot-access.ts';
import { startDoor } from './door.ts';
import { TestJournals } from './journals.ts';
import { keptLog } from './kept-log.ts';
import { type Interference, roomDoor } from './room-door.ts';
import { bot, operator, room } from './room-events.ts';
import { scratchFolder } from './scratch.ts';
import { TestRoom } from './test-room.ts';

const key = generateKeyPairSync('ed25519').privateKey;
/** What the bot gets in with at first. */
export const firstToken = 'syt_a_secret';

const stage = (decide: object[]) => ({ gate: 'approval', sandbox_profile: 'default', approval_hours: 24, decide });
const stages = Stages.parse({
  version: 1,
  stages: {
    staging: stage([{ channel: 'shell' }, { channel: 'matrix', persons: [operator] }]),
    prod: stage([{ channel: 'shell' }]),
  },
});

const calls = RoomSettings.parse({ version: 1 });

/** A listener before a room in memory, behind a door on a unix socket. It runs until it is stopped or the test has finished. */
export async function beginListener({ hasDoor = true }: { hasDoor?: boolean } = {}) {
  const home = new TestRoom();
  const interference: { now: Interference } = { now: () => false };
  const socketPath = join(scratchFolder(), 'synapse.sock');
  const openDoor = () =>
    startDoor(
      roomDoor(home, (...args) => interference.now(...args)),
      socketPath,
    );
  const door = hasDoor ? await openDoor() : null;
  const volumes = scratchFolder();
  mkdirSync(join(volumes, 'runs'));
  const journals = new TestJournals(volumes);
  const [spool, state, logs, secrets] = [scratchFolder(), scratchFolder(), scratchFolder(), scratchFolder()];
  const writeToken = (next: string) => writeBotFile(secrets, next);
  await writeToken(firstToken);
  const config = { volumes, spool, state, logs, secrets, door: socketPath, logLevel: 'info', bot, room, stages, calls };
  const { logger, lines } = keptLog();
  const start = (now?: () => number) => {
    const stop = new AbortController();
    const access = { token: firstToken, writtenAt: '2026-11-20T10:00:00.000Z' };
    const running = runListener(config, { access, key }, stop.signal, {
      logger,
      ...(now === undefined ? {} : { now }),
    });
    const end = async () => {
      stop.abort();
      await running;
    };
    onTestFinished(end);
    return end;
  };
  const ask = async (id: string, stageName = 'staging') => {
    const task = makeWaitingTask('the plan', { id, stage: stageName });
    await writeWaitingTask(volumes, task);
    await journals.says('approval_requested', task.record);
    return task.view.digest;
  };
  const finish = async (id: string, stageName = 'staging') => {
    const task = makeReviewTask({ record: { id, stage: stageName } });
    await writeReviewTask(volumes, task);
    await journals.says('review_requested', task.record);
    return task;
  };
  return {
    home,
    volumes,
    logs,
    writeToken,
    finish,
    interference,
    openDoor,
    door,
    journals,
    start,
    ask,
    lines,
    health: async () => (await readHealth(logs))?.report,
    bodies: () => home.bodies,
    commands: () =>
      readdirSync(spool)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => Command.parse(JSON.parse(readFileSync(join(spool, name), 'utf8')))),
  };
}
