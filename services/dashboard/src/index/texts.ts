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

/** `names` is what names a task, and stands in its text as well. */
type Text = { readonly names?: string; readonly text: string };

function put(database: Database, rowid: number, { names, text }: Text): void {
  const known = database.get('SELECT text FROM search WHERE rowid = ?', rowid)?.['text'];
  if (known === undefined ? text === '' : known === text) return;
  if (known !== undefined) removeTexts(database, '?', rowid);
  if (text !== '') database.run('INSERT INTO search (rowid, text) VALUES (?, ?)', rowid, text);
  if (names !== undefined) database.run('INSERT INTO names (rowid, text) VALUES (?, ?)', rowid, names);
}

/** Takes texts out of the search: those whose numbers a query tells. */
export function removeTexts(database: Database, numbers: string, value: number): void {
  for (const table of ['search', 'names']) database.run(`DELETE FROM ${table} WHERE rowid IN (${numbers})`, value);
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
  const names = withoutControls([record.title, record.id, record.file, record.workspace, record.run].join(' '));
  const about = withoutControls(objective === '' ? file : objective);
  return [
    { names, text: about === '' ? names : `${names} · ${about}` },
    { text: withoutControls(found.plan) },
    { text: withoutControls(found.handoff) },
  ];
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
