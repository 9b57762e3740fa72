import type { MemoryTask } from './tasks.ts';

/** Shorter ones are in every title. */
const wordCharacters = 4;

/** Tasks whose titles share words with a title, those with the most first, then the newest by id. */
export function relatedTasks(
  title: string,
  tasks: readonly MemoryTask[],
  limit: number,
): { readonly related: readonly MemoryTask[]; readonly others: number } {
  const wanted = wordsOf(title);
  const scored = tasks
    .map((task) => ({ task, shared: [...wordsOf(task.title)].filter((word) => wanted.has(word)).length }))
    .filter(({ shared }) => shared > 0)
    .sort((a, b) => b.shared - a.shared || (a.task.id < b.task.id ? 1 : -1));
  return {
    related: scored.slice(0, limit).map(({ task }) => task),
    others: tasks.length - Math.min(limit, scored.length),
  };
}

function wordsOf(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word.length >= wordCharacters),
  );
}
