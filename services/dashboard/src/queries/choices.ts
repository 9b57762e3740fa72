import { join } from 'node:path';
import { Stages } from '@countersign/contracts/config/stages.ts';
import type { Choices } from '@countersign/contracts/page-api.ts';
import { ConfigError, readYamlConfig } from '@countersign/kit/config-file.ts';
import type { Database } from '../index/database.ts';

/** Workspaces that a task was ever for, by name. */
export function workspaceNames(database: Database): string[] {
  return database
    .all('SELECT DISTINCT workspace FROM tasks ORDER BY workspace')
    .map(({ workspace }) => workspace as string);
}

/** The stages in the order of the file. None where it cannot be read: the runner says what is wrong with it. */
export async function readStages(configs: string): Promise<Choices['stages']> {
  try {
    const { value } = await readYamlConfig(join(configs, 'stages.yaml'), Stages);
    return Object.entries(value.stages).map(([name, { gate }]) => ({ name, gate }));
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
