import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import type { Context } from '../context.ts';
import type { Dependencies } from '../work/dependencies.ts';
import { type Capacity, type Choice, choose, type Turns } from './choose.ts';
import type { Hold } from './queue-control.ts';

type Parts = Pick<Context, 'config' | 'dependencies' | 'confinement'>;
type ProfileOutcome = Awaited<ReturnType<Dependencies['profileFor']>>;

/**
 * Which waiting tasks start now, each with its profile, and why the others do not. Those whose profile cannot be had wait and say
 * so, and take nobody's turn. A stage and workspace are asked about once.
 */
export async function chooseStartable(
  context: Parts,
  waiting: readonly TaskRecord[],
  active: readonly TaskRecord[],
  capacity: Capacity,
  turns?: Turns,
): Promise<Choice & { readonly profiles: ReadonlyMap<TaskId, Profile> }> {
  const asked = new Map<string, ProfileOutcome>();
  const answerFor = (record: TaskRecord) => asked.get(`${record.stage} ${record.workspace}`);
  for (;;) {
    const choice = choose(
      waiting.filter((record) => answerFor(record)?.ok !== false),
      active,
      capacity,
      turns,
    );
    const unknown = choice.start.filter((record) => answerFor(record) === undefined);
    for (const record of unknown)
      if (answerFor(record) === undefined)
        asked.set(`${record.stage} ${record.workspace}`, await askProfile(context, record));
    if (unknown.some((record) => answerFor(record)?.ok === false)) continue;
    const waits = new Map<TaskId, Hold>(choice.waits);
    for (const record of waiting) {
      const answer = answerFor(record);
      if (answer?.ok === false)
        waits.set(record.id, { wait: { kind: 'profile', on: [record.workspace] }, reason: answer.reason });
    }
    const profiles = new Map<TaskId, Profile>();
    for (const record of choice.start) {
      const answer = answerFor(record);
      if (answer?.ok === true) profiles.set(record.id, answer.profile);
    }
    return { start: choice.start, waits, profiles };
  }
}

async function askProfile(
  { config, dependencies, confinement }: Parts,
  { stage, workspace }: TaskRecord,
): Promise<ProfileOutcome> {
  const name = config.stages.stages[stage]?.sandbox_profile;
  if (name === undefined) return { ok: false, reason: `stage ${stage} is no longer in configs/stages.yaml` };
  try {
    const answer = await dependencies.profileFor(name, workspace);
    const reason = answer.ok ? confinement.hold(answer.profile, workspace) : null;
    return reason === null ? answer : { ok: false, reason };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { ok: false, reason: `the launcher cannot be asked for profile ${name}: ${error.message}` };
  }
}
