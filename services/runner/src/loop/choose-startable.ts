import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import type { Context } from '../context.ts';
import type { Dependencies } from '../work/dependencies.ts';
import { type Capacity, type Choice, choose } from './choose.ts';

type ProfileOutcome = Awaited<ReturnType<Dependencies['profileFor']>>;

/**
 * Which waiting tasks start now, each with its profile, and why the others do not. One whose profile cannot be had waits and says
 * so, and takes nobody's turn. A stage and workspace are asked about once.
 */
export async function chooseStartable(
  context: Pick<Context, 'config' | 'dependencies'>,
  waiting: readonly TaskRecord[],
  active: readonly TaskRecord[],
  capacity: Capacity,
): Promise<Choice & { readonly profiles: ReadonlyMap<TaskId, Profile> }> {
  const profiles = new Map<TaskId, Profile>();
  const refused = new Map<TaskId, string>();
  const asked = new Map<string, ProfileOutcome>();
  for (;;) {
    const choice = choose(
      waiting.filter(({ id }) => !refused.has(id)),
      active,
      capacity,
    );
    const before = refused.size;
    for (const record of choice.start) {
      if (profiles.has(record.id)) continue;
      const key = `${record.stage} ${record.workspace}`;
      const answer = asked.get(key) ?? (await askProfile(context, record));
      asked.set(key, answer);
      if (answer.ok) profiles.set(record.id, answer.profile);
      else refused.set(record.id, answer.reason);
    }
    if (refused.size === before)
      return { start: choice.start, waits: new Map([...choice.waits, ...refused]), profiles };
  }
}

async function askProfile(
  { config, dependencies }: Pick<Context, 'config' | 'dependencies'>,
  { stage, workspace }: TaskRecord,
): Promise<ProfileOutcome> {
  const name = config.stages.stages[stage]?.sandbox_profile;
  if (name === undefined) return { ok: false, reason: `stage ${stage} is no longer in configs/stages.yaml` };
  try {
    return await dependencies.profileFor(name, workspace);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { ok: false, reason: `the launcher cannot be asked for profile ${name}: ${error.message}` };
  }
}
