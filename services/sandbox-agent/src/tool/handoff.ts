import { writeFile } from 'node:fs/promises';
import type { AgentHandoff } from '@countersign/contracts/handoff.ts';
import { outputFiles } from '../task-folder.ts';
import type { Finish } from './execute-call.ts';
import { toolLimits } from './limits.ts';

/** `handoff.yaml`: the model's words for whoever goes on. A model that said nothing leaves none. */
export async function leaveHandoff(taskFolder: string, words: Finish): Promise<void> {
  const what = cut(words.summary, toolLimits.handoffWords);
  const blocker = cut(words.blocker, toolLimits.handoffWords);
  const next = cut(words.next, toolLimits.handoffWords);
  const lines = (words.validation ?? []).map((line) => cut(line, toolLimits.handoffLine) ?? '');
  const validation = lines.filter((line) => line !== '').slice(0, toolLimits.handoffLines);
  if (what === undefined && blocker === undefined && next === undefined && validation.length === 0) return;
  const handoff: AgentHandoff = {
    ...(what === undefined ? {} : { what }),
    ...(validation.length === 0 ? {} : { evidence: { validation } }),
    ...(blocker === undefined ? {} : { blocker }),
    ...(next === undefined ? {} : { next }),
  };
  // JSON is YAML, and quotes whatever could mean something in it.
  await writeFile(outputFiles(taskFolder).handoff.path, `${JSON.stringify(handoff, null, 2)}\n`);
}

function cut(text: string | undefined, maximumCharacters: number): string | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return undefined;
  return trimmed.length > maximumCharacters ? `${trimmed.slice(0, maximumCharacters - 1)}…` : trimmed;
}
