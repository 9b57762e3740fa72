import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { confine } from './confine.ts';
import { toolLimits } from './limits.ts';

/** What a call came to; a failure goes back to the model like a result. */
export type ToolResult = { readonly ok: boolean; readonly text: string };
export type Place = { readonly workspace: string; readonly resultBytes: number };

const unlisted: readonly string[] = ['.git', 'node_modules'];

export async function listFiles(place: Place, { path }: { path: string }): Promise<ToolResult> {
  const root = await confine(place.workspace, path, 'read');
  const found: string[] = [];
  const folders = [root];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (found.length >= toolLimits.listEntries) return done(`${found.join('\n')}\n[more files are not listed]`);
      const full = join(folder, entry.name);
      const listed = relative(root, full);
      if (entry.isDirectory()) {
        found.push(`${listed}/`);
        if (!unlisted.includes(entry.name)) folders.push(full);
      } else found.push(listed);
    }
  }
  return done(found.length === 0 ? 'the folder is empty' : found.join('\n'));
}

export async function readFileLines(
  place: Place,
  { path, from_line: fromLine }: { path: string; from_line: number },
): Promise<ToolResult> {
  const text = await readText(await confine(place.workspace, path, 'read'));
  if (text === undefined) return failed(`${path} is no text file, or is too large`);
  const lines = text.split('\n').slice(fromLine - 1);
  const shown: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > place.resultBytes) break;
    shown.push(line);
  }
  if (shown.length === lines.length) return done(shown.join('\n'));
  if (shown.length === 0) return failed(`line ${fromLine} of ${path} is too long to be shown`);
  return done(`${shown.join('\n')}\n[cut here; go on with from_line ${fromLine + shown.length}]`);
}

export async function writeWholeFile(
  place: Place,
  { path, content }: { path: string; content: string },
): Promise<ToolResult> {
  const target = await confine(place.workspace, path, 'write');
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, content);
  return done(`wrote ${Buffer.byteLength(content)} bytes to ${path}`);
}

export async function editFile(
  place: Place,
  { path, old_text: oldText, new_text: newText }: { path: string; old_text: string; new_text: string },
): Promise<ToolResult> {
  const target = await confine(place.workspace, path, 'write');
  const text = await readText(target);
  if (text === undefined) return failed(`${path} is no text file, or is too large`);
  const first = text.indexOf(oldText);
  if (first === -1) return failed(`old_text does not occur in ${path}; read the file and copy the text exactly`);
  if (text.indexOf(oldText, first + 1) !== -1)
    return failed(`old_text occurs more than once in ${path}; take more of it`);
  await writeFile(target, text.slice(0, first) + newText + text.slice(first + oldText.length));
  return done(`edited ${path}`);
}

/** Undefined for what is no regular file, is too large, or is not text. */
async function readText(path: string): Promise<string | undefined> {
  const stats = await stat(path);
  if (!stats.isFile() || stats.size > toolLimits.fileBytes) return undefined;
  const data = await readFile(path);
  return data.includes(0) ? undefined : data.toString('utf8');
}

export function done(text: string): ToolResult {
  return { ok: true, text };
}

export function failed(text: string): ToolResult {
  return { ok: false, text: `error: ${text}` };
}
