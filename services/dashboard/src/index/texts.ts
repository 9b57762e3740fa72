import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { taskFolder } from '@countersign/contracts/task-record.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { checkFolder, readFileStart } from '@countersign/kit/regular-file.ts';
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
  const folder = join(volumes, taskFolder(record));
  const [objective = '', file = ''] = await readTogether(folder, volumes, ['objective.md', 'task.md']);
  const found = { plan: '', handoff: '' };
  for (let attempt = record.attempts; attempt > 0 && attempt > record.attempts - attemptsBack; attempt -= 1) {
    const [plan = '', handoff = ''] = await readTogether(join(folder, `attempts/${attempt}`), volumes, [
      'plan.md',
      'handoff.yaml',
    ]);
    if (found.plan === '') found.plan = plan;
    if (found.handoff === '') found.handoff = handoff;
    if (found.plan !== '' && found.handoff !== '') break;
  }
  const names = [record.title, record.id, record.file, record.workspace, record.run].join(' ');
  return [
    { title: names, text: objective === '' ? file : objective },
    { title: '', text: found.plan },
    { title: '', text: found.handoff },
  ].map(({ title, text }) => ({ title: withoutControls(title), text: withoutControls(text) }));
}

/** Where the last attempt left no plan or handoff, that of one before it counts. */
const attemptsBack = 3;

/** Files of one folder; an empty text for each that cannot be read, and for all where no plain way leads to it. */
async function readTogether(folder: string, volumes: string, names: readonly string[]): Promise<string[]> {
  try {
    await checkFolder(folder, volumes);
  } catch {
    return [];
  }
  return await Promise.all(names.map((name) => readText(join(folder, name))));
}

async function readText(path: string): Promise<string> {
  try {
    return (await readFileStart(path, indexLimits.textBytes)).bytes.toString('utf8');
  } catch {
    return '';
  }
}

/** They show as nothing. */
function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, ' ').trim();
}
