import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { taskFolder } from '@countersign/contracts/task-record.ts';
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
  const found: { readonly number: number; readonly position: number; readonly texts: readonly string[] }[] = [];
  for (const { number, record, position } of rows) {
    const task = JSON.parse(record as string) as TaskRecord;
    found.push({ number: number as number, position: position as number, texts: await textsOf(volumes, task) });
  }
  database.transaction(() => {
    for (const { number, position, texts } of found) {
      for (const [kind, text] of texts.entries()) put(database, 4 * number + kind, text);
      // What changed meanwhile is read once more.
      database.run('UPDATE tasks SET unread = 0 WHERE number = ? AND position = ?', number, position);
    }
  });
  return rows.length > 0;
}

function put(database: Database, rowid: number, text: string): void {
  const known = database.get('SELECT text FROM search WHERE rowid = ?', rowid)?.['text'];
  if (known === text || (known === undefined && text === '')) return;
  if (known !== undefined) database.run('DELETE FROM search WHERE rowid = ?', rowid);
  if (text !== '') database.run('INSERT INTO search (rowid, text) VALUES (?, ?)', rowid, text);
}

async function textsOf(volumes: string, record: TaskRecord): Promise<string[]> {
  const folder = taskFolder(record);
  const read = async (name: string) => await readText(volumes, `${folder}/${name}`);
  const names = [record.id, record.title, record.file, record.workspace, record.run].join('\n');
  const own = `${names}\n${await read('task.md')}\n${await read('objective.md')}`;
  const newest = async (name: string) => {
    for (let attempt = record.attempts; attempt > 0 && attempt > record.attempts - 5; attempt -= 1) {
      const text = await read(`attempts/${attempt}/${name}`);
      if (text !== '') return text;
    }
    return '';
  };
  return [own, await newest('plan.md'), await newest('handoff.yaml')].map(withoutControls);
}

async function readText(volumes: string, path: string): Promise<string> {
  try {
    return (await readFileStart(join(volumes, path), indexLimits.textBytes, volumes)).bytes.toString('utf8');
  } catch {
    return '';
  }
}

/** Excerpts are marked with control characters: none of a text may pass for one of ours. */
function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, ' ').trim();
}
