import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { needsModel } from '@countersign/contracts/task-state.ts';
import type { Context } from '../context.ts';
import { dependencyHold } from './dependency-hold.ts';
import type { Hold } from './queue-control.ts';

/** What holds up everything that needs a sandbox, or null: the operator, the launcher, the disk. */
export function holdOfAll({ queue, dependencies }: Context, adopting: string | null): Hold | null {
  const { launcher, disk } = dependencies.state;
  if (queue.hold !== null) return queue.hold;
  if (!launcher.ok) return { wait: { kind: 'launcher', on: [] }, reason: launcher.reason };
  if (adopting !== null) return { wait: { kind: 'launcher', on: [] }, reason: adopting };
  return disk.ok ? null : { wait: { kind: 'disk', on: [] }, reason: disk.reason };
}

/** What holds up this task, whatever room there is for others, or null: tasks that it depends on, its model, its breaker. */
export function holdOf({ tasks, queue, dependencies, config }: Context, record: TaskRecord): Hold | null {
  const dependency = dependencyHold(record, (id) => tasks.get(id));
  if (dependency !== null || !needsModel(record.state.status)) return dependency;
  const { model } = dependencies.state;
  if (!model.ok) return { wait: { kind: 'model', on: [config.agent.OLLAMA_MODEL] }, reason: model.reason };
  return queue.breakers.mayBegin(record);
}
