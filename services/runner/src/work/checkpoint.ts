import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { standing } from '../gate/governance.ts';

/** Where a stage advises that a person look, and nobody has to: the journal says that this was passed. */
export async function tellCheckpoint(
  context: Context,
  record: TaskRecord,
  checkpoint: 'start' | 'merge',
): Promise<void> {
  if (standing(context.config.stages.stages[record.stage], checkpoint) !== 'advisory') return;
  await context.tasks.note(record.id, {
    event: 'checkpoint_required',
    phase: 'gate',
    agent_role: 'runner',
    summary: `stage ${record.stage} advises that a person look before the ${checkpoint === 'start' ? 'work' : 'merge'}; it goes on`,
    data: { checkpoint, governance: 'advisory' },
  });
}
