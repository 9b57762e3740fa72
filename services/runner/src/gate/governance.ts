import type { Stage, Stages } from '@countersign/contracts/config/stages.ts';

type Checkpoint = Stage['checkpoints'][number];

/** Whether a person has to approve work of this stage before it begins. A stage that nobody defined demands it. Pure. */
export function demandsApproval(stage: Stage | undefined): boolean {
  return stage === undefined || stage.gate !== 'none' || standing(stage, 'start') === 'hard';
}

/** What a checkpoint of a stage is worth: `advisory` is told and passed, `hard` is a person's. Pure. */
export function standing(stage: Stage | undefined, checkpoint: Checkpoint): Stage['governance'] | null {
  return stage?.checkpoints.includes(checkpoint) === true ? stage.governance : null;
}

/** How many tasks of a stage may be at work at once, of those whose limit is of this kind. Pure. */
export function stageLimits({ stages }: Stages, governance: Stage['governance']): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(stages).flatMap(([name, stage]) =>
      stage.governance === governance && stage.max_tasks !== undefined ? [[name, stage.max_tasks] as const] : [],
    ),
  );
}
