import { stat } from 'node:fs/promises';

/** When a file was written, in ISO 8601 with milliseconds: the same for all who have its folder mounted. @throws Error where there is none */
export async function writtenAt(path: string): Promise<string> {
  return (await stat(path)).mtime.toISOString();
}
