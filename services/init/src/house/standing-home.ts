import { join } from 'node:path';
import { RunId } from '@countersign/contracts/names.ts';
import { firstWorkspace } from '../first-workspace.ts';
import { entriesOf } from './parts.ts';

const queues = [
  'inbox',
  'inbox/pending',
  'inbox/running',
  'outbox/done',
  'outbox/failed',
  'outbox/cancelled',
  'outbox/invalid',
  'outbox/rejected',
];

/**
 * What a home holds that somebody would miss; empty for one that was only ever started. Folders, keys and the example workspace, which
 * every first start makes, do not count.
 * @param arriving workspaces that an archive brings
 */
export async function whatStands(home: string, arriving: readonly string[]): Promise<string[]> {
  const stands: string[] = [];
  const runs = (await entriesOf(join(home, 'runs'))).filter(({ name }) => RunId.safeParse(name).success);
  if (runs.length > 0) stands.push(`${runs.length} runs`);
  for (const queue of queues) {
    const files = (await entriesOf(join(home, queue))).filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
    if (files.length > 0) stands.push(`${files.length} files in ${queue}/`);
  }
  const remembered = (await entriesOf(join(home, 'memory'))).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.'),
  );
  if (remembered.length > 0) stands.push(`a memory of ${remembered.length} workspaces`);
  for (const { name } of await entriesOf(join(home, 'workspaces')))
    if (arriving.includes(name) && name !== firstWorkspace) stands.push(`workspaces/${name}`);
  return stands;
}
