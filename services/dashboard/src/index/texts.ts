import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { taskFolder } from '@countersign/contracts/task-record.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { readFileStart } from '@countersign/kit/regular-file.ts';
import type { Database } from './database.ts';
import { indexLimits } from './limits.ts';

/** What is searched, in the order of the numbers that texts have in the index. */
export const textKinds = ['task', 'plan', 'handoff'] as const;

/**
 * Takes the texts of some tasks into the search, the newest first, whose state is another one than when they were last read. What
 * cannot be read is not found.
 * @returns whether there were any
 */
export async function readTexts(database: Database, volumes: string): Promise<boolean> {
  const rows = database.all(
    'SELECT number, record, position FROM tasks JOIN records USING (number) WHERE unread = 1 ORDER BY number DESC LIMIT ?',
    indexLimits.textsInTurn,
  );
  const found: { readonly number: number; readonly position: number; readonly texts: readonly Text[] }[] = [];
  await inParallel(rows, indexLimits.textsAtOnce, async ({ number, record, position }) => {
    const task = JSON.parse(record as string) as TaskRecord;
    found.push({ number: number as number, position: position as number, texts: await textsOf(volumes, task) });
  });
  database.transaction(() => {
    for (const { number, position, texts } of found) {
      for (const [kind, text] of texts.entries()) put(database, 4 * number + kind, text);
      // What changed meanwhile is read once more.
      database.run('UPDATE tasks SET unread = 0 WHERE number = ? AND position = ?', number, position);
    }
  });
  return rows.length > 0;
}

type Text = { readonly title: string; readonly text: string };

function put(database: Database, rowid: number, { title, text }: Text): void {
  const known = database.get('SELECT title, text FROM search WHERE rowid = ?', rowid);
  const isEmpty = title === '' && text === '';
  if (known === undefined ? isEmpty : known['title'] === title && known['text'] === text) return;
  if (known !== undefined) database.run('DELETE FROM search WHERE rowid = ?', rowid);
  if (!isEmpty) database.run('INSERT INTO search (rowid, title, text) VALUES (?, ?, ?)', rowid, title, text);
}

async function textsOf(volumes: string, record: TaskRecord): Promise<Text[]> {
  const folder = taskFolder(record);
  const read = async (name: string) => await readText(volumes, `${folder}/${name}`);
  const newest = async (name: string) => {
    for (let attempt = record.attempts; attempt > 0 && attempt > record.attempts - attemptsBack; attempt -= 1) {
      const text = await read(`attempts/${attempt}/${name}`);
      if (text !== '') return text;
    }
    return '';
  };
  const objective = await read('objective.md');
  const own = objective === '' ? await read('task.md') : objective;
  const names = [record.title, record.id, record.file, record.workspace, record.run].join(' ');
  return [
    { title: names, text: own },
    { title: '', text: await newest('plan.md') },
    { title: '', text: await newest('handoff.yaml') },
  ].map(({ title, text }) => ({ title: withoutControls(title), text: withoutControls(text) }));
}

/** Where the last attempt left no plan or handoff, that of one before it counts. */
const attemptsBack = 3;

async function readText(volumes: string, path: string): Promise<string> {
  try {
    return (await readFileStart(join(volumes, path), indexLimits.textBytes, volumes)).bytes.toString('utf8');
  } catch {
    return '';
  }
}

/** They show as nothing. */
function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, ' ').trim();
}
