import type { TaskId } from '@countersign/contracts/names.ts';
import { closestWord } from '@countersign/kit/closest-word.ts';
import { namesOf, quote } from '../room/gates.ts';
import type { Gate, ListenerState } from '../state/listener-state.ts';

type Found =
  | { readonly ok: true; readonly task: TaskId; readonly path: string }
  | { readonly ok: false; readonly reason: string };
type Named = Pick<Gate, 'task' | 'file' | 'droppedAs'>;

/**
 * The task that a person means. An id is any task's that there is; a file's name is known here only of tasks that have not ended, and
 * of those that the room was asked about. Names count whole, and the beginning of one is none. Pure.
 * @param paths of every task's record, by id
 */
export function findTask(
  typed: string,
  { tasks, gates }: Pick<ListenerState, 'tasks' | 'gates'>,
  paths: ReadonlyMap<TaskId, string>,
): Found {
  const name = typed.normalize('NFC');
  const called = (known: readonly Named[]) => [
    ...new Set(known.filter((each) => namesOf(each).includes(name)).map(({ task }) => task)),
  ];
  const byId = [name, name.toLowerCase()].find((id) => paths.has(id));
  const [open, asked] = [called(tasks), called(gates)];
  const [task, ...others] = byId !== undefined ? [byId] : open.length > 0 ? open : asked;
  if (task === undefined)
    return refuse(`no task is called ${quote(name)}${orMeant(name, [...tasks, ...gates], paths)}`);
  if (others.length > 0) return refuse(`${quote(name)} is ${[task, ...others].join(' and ')}; name the id`);
  const path = paths.get(task);
  return path === undefined ? refuse(`nothing is kept of ${task} any more`) : { ok: true, task, path };
}

/** The nearest name, of tasks that are talked about before all others. */
function orMeant(name: string, known: readonly Named[], paths: ReadonlyMap<TaskId, string>): string {
  const near = closestWord(name, [...new Set(known.flatMap(namesOf))]) ?? closestWord(name, [...paths.keys()]);
  return near === null ? '' : `; did you mean ${near}?`;
}

function refuse(reason: string): Found {
  return { ok: false, reason };
}
