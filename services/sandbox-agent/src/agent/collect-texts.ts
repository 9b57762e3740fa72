import { TokenCount } from '@countersign/contracts/event.ts';
import type { z } from 'zod';
import { outputFiles } from '../task-folder.ts';
import { ToolError } from '../tool-error.ts';
import type { Note } from './delivery.ts';
import { cutText, readUpTo } from './untrusted-file.ts';

/** The texts that a tool leaves for people, cut to what a frame holds. */
export async function collectNotes(taskFolder: string): Promise<Note[]> {
  const { summary, handoff } = outputFiles(taskFolder);
  const notes: Note[] = [];
  for (const [frame, { path, bytes }] of [
    ['summary', summary],
    ['handoff', handoff],
  ] as const) {
    const read = await readUpTo(path, bytes + 4);
    if (read !== undefined) notes.push({ frame, data: cutText(read.data, bytes) });
  }
  return notes;
}

/** The plan as it is: one that is cut would be another plan. */
export async function collectPlan(taskFolder: string): Promise<Note | { problem: string }> {
  const { path, bytes } = outputFiles(taskFolder).plan;
  const read = await readUpTo(path, bytes);
  if (read === undefined || read.size === 0) return { problem: 'the tool left no plan' };
  if (read.size > bytes) return { problem: `the plan has ${read.size} bytes; ${bytes} are allowed` };
  return { frame: 'plan', data: read.data };
}

export async function collectTokens(taskFolder: string): Promise<TokenCount> {
  const { path, bytes } = outputFiles(taskFolder).usage;
  return (await readJson(path, bytes, TokenCount)) ?? { prompt: 0, completion: 0, requests: 0 };
}

export async function collectToolError(taskFolder: string): Promise<ToolError | undefined> {
  const { path, bytes } = outputFiles(taskFolder).error;
  return await readJson(path, bytes, ToolError);
}

async function readJson<T>(path: string, limitBytes: number, schema: z.ZodType<T>): Promise<T | undefined> {
  const read = await readUpTo(path, limitBytes);
  if (read === undefined || read.size > limitBytes) return undefined;
  try {
    return schema.safeParse(JSON.parse(read.data.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
