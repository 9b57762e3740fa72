import { commandLimits } from '@countersign/contracts/limits.ts';
import { WorkspaceName } from '@countersign/contracts/names.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import { messageKey } from '../state/key.ts';
import { quote } from './gates.ts';

/** What is to be done, where, and on which stage; `stage` is null where none was said, and then is what a task file's is. */
export type Run = { readonly workspace: string; readonly stage: string | null; readonly objective: string };

type Read =
  | { readonly ok: true; readonly asked: AskedCommand & { kind: 'submit' } }
  | { readonly ok: false; readonly reason: string };

const form = /^run\s+([^\s:]+)(?:\s+([^\s:]+))?\s*:\s*(\S.*)$/is;

/** Takes `run <workspace> [stage]: <objective>` apart; null for talk that begins with that word. Pure. */
export function runIn(text: string): Run | null {
  const [, workspace, stage, objective] = form.exec(text) ?? [];
  return workspace === undefined || objective === undefined ? null : { workspace, stage: stage ?? null, objective };
}

/**
 * The task file that the words become. Its keys are the two that were said and no others, each quoted, so that the objective is
 * words and nothing else; what a stage demands is the runner's to say. Pure.
 * @param command the id that the command will have
 */
export function readRun({ workspace, stage: typed, objective }: Run, command: string): Read {
  if (!WorkspaceName.safeParse(workspace).success) return refuse(`${quote(workspace)} is no name of a workspace`);
  // Stages are written in small letters, and a phone likes large ones.
  const stage = typed?.toLowerCase() ?? null;
  if (stage !== null && !/^[a-z][a-z0-9-]{0,31}$/.test(stage)) return refuse(`${quote(stage)} is no name of a stage`);
  const keys = [`workspace: "${workspace}"`, ...(stage === null ? [] : [`stage: "${stage}"`])];
  const content = [...keys, '', objective.slice(0, commandLimits.lineCharacters), ''].join('\n');
  return { ok: true, asked: { kind: 'submit', subject: { file: submittedName(command), content } } };
}

/** The name of the file that a command of this id submits: by it the task is known that it became. */
export function submittedName(command: string): string {
  return `room-${messageKey('submitted', command).slice(0, 8)}.md`;
}

function refuse(reason: string): Read {
  return { ok: false, reason };
}
