import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '@countersign/kit/files.ts';
import { z } from 'zod';

/** What the runner said about a command. */
export type Verdict = { readonly accepted: boolean; readonly summary: string; readonly task: string | null };

const pollMs = 200;
const pieceBytes = 1024 * 1024;

const VerdictEvent = z.object({
  event: z.enum(['command_accepted', 'command_refused']),
  task_id: z.string().optional(),
  summary: z.string(),
  data: z.object({ command: z.string() }),
});

/**
 * Follows the runner's journal from where it ends now. Its whole lines never change; what stands behind the last of them may
 * be cut and written anew, so a position is always one after a line feed.
 */
export class VerdictReader {
  readonly #path: string;
  #position: number;

  private constructor(path: string, position: number) {
    this.#path = path;
    this.#position = position;
  }

  static async atEnd(volumes: string): Promise<VerdictReader> {
    const path = join(volumes, 'runs', 'telemetry.jsonl');
    return new VerdictReader(path, await endOfLines(path));
  }

  /** The verdict on a command, or null when the time is up or the signal comes first. */
  async wait(command: string, waitMs: number, signal: AbortSignal): Promise<Verdict | null> {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    for (;;) {
      const verdict = await this.#read(command);
      if (verdict !== null || ended.aborted) return verdict;
      await sleep(pollMs, undefined, { signal: ended }).catch(() => undefined);
    }
  }

  async #read(command: string): Promise<Verdict | null> {
    for (;;) {
      const bytes = await readPiece(this.#path, this.#position);
      const end = bytes.lastIndexOf('\n') + 1;
      if (end === 0) return null;
      this.#position += end;
      for (const line of bytes.toString('utf8', 0, end).split('\n')) {
        const verdict = verdictOf(line, command);
        if (verdict !== null) return verdict;
      }
    }
  }
}

function verdictOf(line: string, command: string): Verdict | null {
  // Most lines are about something else and need no parsing.
  if (!line.includes(command)) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = VerdictEvent.safeParse(value);
  if (!parsed.success || parsed.data.data.command !== command) return null;
  const { event, summary, task_id } = parsed.data;
  return { accepted: event === 'command_accepted', summary, task: task_id ?? null };
}

async function endOfLines(path: string): Promise<number> {
  const size = await sizeOf(path);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - pieceBytes);
    const feed = (await readPiece(path, start)).subarray(0, end - start).lastIndexOf('\n');
    if (feed >= 0) return start + feed + 1;
    end = start;
  }
  return 0;
}

async function sizeOf(path: string): Promise<number> {
  return await withFile(path, 0, async (file) => (await file.stat()).size);
}

async function readPiece(path: string, position: number): Promise<Buffer> {
  return await withFile(path, Buffer.alloc(0), async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, position);
    return buffer.subarray(0, bytesRead);
  });
}

/** The journal is not there before the runner's first start. */
async function withFile<T>(
  path: string,
  absent: T,
  use: (file: Awaited<ReturnType<typeof open>>) => Promise<T>,
): Promise<T> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return absent;
    throw error;
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
