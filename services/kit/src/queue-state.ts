import { join } from 'node:path';
import { QueueState } from '@countersign/contracts/queue-state.ts';
import { isMissing } from './files.ts';
import { openRegularFile } from './regular-file.ts';

/** Relative to `volumes/`. */
export const queueStateFile = 'runs/queue.json';

/** As many breakers as there are workspaces and tools: far more than anybody has. */
const queueStateBytes = 4 * 1024 * 1024;

/**
 * What holds up the queue, as the runner last wrote it; nothing when it has not written anything yet.
 * @param volumes the folder that holds `runs/`
 * @throws Error when the file cannot be read or is not the runner's
 */
export async function readQueueState(volumes: string): Promise<QueueState> {
  try {
    await using file = await openRegularFile(join(volumes, queueStateFile));
    const { size } = await file.stat();
    if (size > queueStateBytes)
      throw new Error(`it has ${size} bytes, more than the ${queueStateBytes} that it can have`);
    return QueueState.parse(JSON.parse(await file.readFile('utf8')));
  } catch (cause) {
    if (isMissing(cause)) return { version: 1, paused: null, breakers: [] };
    throw new Error(`${queueStateFile} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
