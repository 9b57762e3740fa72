import { isDeepStrictEqual } from 'node:util';
import type { Command } from '@countersign/contracts/command.ts';
import type { Stages } from '@countersign/contracts/config/stages.ts';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import { TaskHeader } from '@countersign/contracts/task-file/schema.ts';
import type { Verdict } from './authorise.ts';
import { mayStop } from './authorise-control.ts';
import { demandsApproval } from './governance.ts';

export type Submission = Command & { kind: 'submit' };

/**
 * Whether this person may drop this task by words in the room. Pure. Work that waits at its stage's gate is open to everybody who
 * may decide on anything there, for it begins only when somebody approves it where that stage is decided; work that begins by itself
 * is for those who decide on its stage. And a message is words: it names a workspace and a stage, and no command that is to be run, no
 * merge, no tool, no limit and no other task.
 */
export function authoriseSubmission(
  { actor }: Pick<Submission, 'actor'>,
  { header, body }: TaskFile,
  stages: Stages,
): Verdict {
  const { channel, user } = actor;
  const person = mayStop({ actor }, stages);
  if (!person.ok) return person;
  const { workspace, stage: name } = header;
  if (!isDeepStrictEqual(header, TaskHeader.parse({ workspace, stage: name })))
    return refuse('a task from the room names its workspace and its stage, and nothing else of a task file');
  if (body === '') return refuse('a task from the room says what is to be done');
  const stage = stages.stages[name];
  if (stage === undefined)
    return refuse(`unknown stage ${JSON.stringify(name)}; allowed: ${Object.keys(stages.stages).join(', ')}`);
  const decides = stage.decide.some(
    (decider) => decider.channel === channel && (decider.persons?.includes(user) ?? true),
  );
  if (!demandsApproval(stage) && !decides)
    return refuse(
      `work of stage ${name} begins without an approval, and ${user} may not decide on it by ${channel}; configs/stages.yaml lists who may`,
    );
  return { ok: true };
}

function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
