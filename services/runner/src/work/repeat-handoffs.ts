import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFinal } from '@countersign/contracts/task-state.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { parseHandoff } from '../memory/handoff-text.ts';
import { handoffFile } from './hand-off.ts';

/** A runner that was away for longer finds older handoffs in their attempts' folders, where they stay. */
const lookBackMs = 7 * 24 * 60 * 60 * 1000;

/** Hands to the memory what a runner before us wrote and could no longer bring there; what it has costs a look. */
export async function repeatHandoffs(context: Context): Promise<void> {
  const after = context.now().getTime() - lookBackMs;
  for (const record of context.tasks.all()) {
    const { status, since } = record.state;
    if (record.attempts === 0 || Date.parse(since) < after || !(isFinal(status) || status === 'review')) continue;
    try {
      const handoff = parseHandoff(await readFile(join(context.layout.attempt(record), handoffFile)));
      if (handoff !== null) context.follower.handedOff(handoff);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
