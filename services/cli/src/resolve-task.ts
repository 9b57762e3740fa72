import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import { CliError } from './failure.ts';

/**
 * The one task that a person means: by its id, else by the bare name of its file now, else by the name it was dropped as.
 * @param suits which tasks the command can be about
 * @param purpose ends the sentence "… can be …"
 * @throws CliError when there is none, or more than one
 */
export function resolveTask(
  name: string,
  records: readonly TaskRecord[],
  suits: (record: TaskRecord) => boolean,
  purpose: string,
): TaskRecord {
  const found = findTask(name, records, suits);
  if (found !== null) return found;
  const unsuited = findTask(name, records, () => true);
  if (unsuited !== null) {
    const { id, file, state } = unsuited;
    throw new CliError(
      'refused',
      `${id} (${file}) cannot be ${purpose}: it is ${state.status} since ${state.since}. ${state.reason}`,
    );
  }
  throw new CliError(
    'refused',
    [`no task and no file is called ${JSON.stringify(name)}.`, choices(records.filter(suits), purpose)].join(' '),
  );
}

/** Null when nothing is called so. @throws CliError when more than one task is, or the name is a path */
export function findTask(
  name: string,
  records: readonly TaskRecord[],
  suits: (record: TaskRecord) => boolean,
): TaskRecord | null {
  if (name.includes('/') || name === '..' || name === '.')
    throw new CliError('usage', `${JSON.stringify(name)} is a path; give a task id or the bare name of its file`);
  const suitable = records.filter(suits);
  const byId = suitable.find(({ id }) => id === name);
  if (byId !== undefined) return byId;
  const byFile = suitable.filter(({ file }) => file === name);
  const matches = byFile.length > 0 ? byFile : suitable.filter(({ dropped_as }) => dropped_as === name);
  const open = matches.filter(({ state }) => !isFinal(state.status));
  const [only, ...others] = open.length === 1 ? open : matches;
  if (others.length > 0)
    throw new CliError(
      'refused',
      `${matches.length} tasks are called ${JSON.stringify(name)}; name one by its id: ${matches.map(({ id }) => id).join(', ')}`,
    );
  return only ?? null;
}

function choices(records: readonly TaskRecord[], purpose: string): string {
  if (records.length === 0) return `Nothing can be ${purpose} now.`;
  return `What can be ${purpose} now: ${records.map(({ id, file }) => `${id} (${file})`).join(', ')}`;
}
