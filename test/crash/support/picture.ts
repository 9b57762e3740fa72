import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { House } from './house.ts';
import { queueFiles, tasksByRecord } from './view.ts';

/** What people see of a house: queue, states, branches and work trees. Equal pictures mean that the same was achieved. */
export type Picture = Readonly<Record<string, string>>;

export function pictureOf(house: House): Picture {
  const picture: Record<string, string> = {};
  // A file's explanation names the id that it was refused under, which is another one each time.
  for (const { folder, name, text } of queueFiles(house.layout))
    picture[`${folder}/${name}`] = name.endsWith('.error.txt') ? 'why' : text;
  for (const { id, state } of tasksByRecord(house.layout).values()) picture[`task ${id}`] = state.status;
  for (const path of house.repositories.keys()) {
    const folder = join(house.layout.workspaces, path);
    picture[`${path} main`] = readFileSync(join(folder, '.git/refs/heads/main'), 'utf8').trim();
    for (const [name, text] of Object.entries(filesOf(folder, '.git'))) picture[`${path}/${name}`] = text;
    for (const [name, text] of Object.entries(filesOf(join(folder, '.git/refs/agentic'))))
      picture[`${path} refs/agentic/${name.replace(/RUN-\d{8}-\d+/, 'RUN')}`] = text.trim();
    for (const name of readdirSync(join(folder, '.git')))
      if (name.endsWith('.lock') || name.startsWith('countersign-')) picture[`${path} .git/${name}`] = 'left behind';
  }
  return picture;
}

function filesOf(folder: string, without?: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => without === undefined || !path.startsWith(`${join(folder, without)}/`))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

/** What of it is another than it should be. */
export function differences(is: Picture, should: Picture): string[] {
  return [...new Set([...Object.keys(is), ...Object.keys(should)])]
    .filter((key) => is[key] !== should[key])
    .map((key) => `${key} is ${JSON.stringify(is[key])} and not ${JSON.stringify(should[key])}`);
}
