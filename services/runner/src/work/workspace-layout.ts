import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WorkspaceLayout } from '@countersign/contracts/config/workspace.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { readRegularFile } from '../queue/observe.ts';

/** A workspace's own list of its repositories. */
export const layoutPath = '.project/workspace.yaml';

export type FoundLayout =
  | { readonly ok: true; readonly layout: WorkspaceLayout | null }
  | { readonly ok: false; readonly reason: string };

/** What `.project/workspace.yaml` says; null where there is none. No link is followed on the way to it. */
export async function readWorkspaceLayout(workspace: string): Promise<FoundLayout> {
  const path = join(workspace, layoutPath);
  try {
    if ((await realpath(dirname(path))) !== dirname(path)) return refuse('lies behind a symbolic link');
    const read = await readRegularFile(path);
    if (!read.ok) return refuse(read.reason);
    const parsed = parseYaml(new TextDecoder('utf-8', { fatal: true }).decode(read.bytes), WorkspaceLayout, 1);
    if (parsed.ok) return { ok: true, layout: parsed.value };
    const [first] = parsed.problems;
    return refuse(`line ${first?.line ?? 1}: ${first?.message ?? 'not readable'}`);
  } catch (error) {
    if (isMissing(error)) return { ok: true, layout: null };
    if (error instanceof TypeError) return refuse('is not UTF-8 text');
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ELOOP' || code === 'EACCES' || code === 'ENOTDIR') return refuse(`cannot be reached (${code})`);
    throw error;
  }
}

function refuse(what: string): FoundLayout {
  return { ok: false, reason: `${layoutPath} ${what}` };
}
