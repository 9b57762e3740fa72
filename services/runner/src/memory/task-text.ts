import { isDeepStrictEqual } from 'node:util';
import { MemoryTaskHeader, type MemoryTaskStatus } from '@countersign/contracts/memory-task.ts';
import type { Problem } from '@countersign/contracts/problem.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';

export type TaskText =
  | { readonly ok: true; readonly header: MemoryTaskHeader; readonly body: string }
  | { readonly ok: false; readonly problem: Problem };

/** Reads the text of a `T0147-….md`: front matter between two `---` lines, and a body. The first problem is told with its line. */
export function parseTaskText(bytes: Uint8Array): TaskText {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse(1, 'not a text file: UTF-8 is expected');
  }
  const parts = split(text);
  if (parts === null) return refuse(1, 'no front matter; the file begins with a line ---, keys, and a line ---');
  const parsed = parseYaml(parts.header, MemoryTaskHeader, 2);
  if (!parsed.ok) return { ok: false, problem: parsed.problems[0] ?? { line: 1, message: 'not readable' } };
  return { ok: true, header: parsed.value, body: parts.body.trim() };
}

/** The value of a `status:` line of its own, with all that stands around it. */
const statusLine = /^(status[ \t]*:[ \t]+)(["']?)[a-z]+\2([ \t]*(?:[ \t]#.*)?\r?)$/;

/**
 * The same file with another status: nothing but that word changes, whatever a person wrote around it.
 * A status that does not stand on a line of its own is a refusal.
 */
export function withStatus(
  bytes: Uint8Array,
  status: MemoryTaskStatus,
): { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly problem: Problem } {
  const before = parseTaskText(bytes);
  if (!before.ok) return before;
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  const end = lines.findIndex((line, index) => index > 0 && isFence(line));
  const found = lines.flatMap((line, index) => (index > 0 && index < end && statusLine.test(line) ? [index] : []));
  const [at] = found;
  if (at === undefined || found.length > 1)
    return refuse(1, 'the status is to stand on a line of its own, "status: todo"');
  const changed = lines.with(at, (lines[at] ?? '').replace(statusLine, `$1${status}$3`));
  const text = Buffer.from(changed.join('\n'));
  // What was not understood as YAML reads it is left alone.
  const after = parseTaskText(text);
  const meant = { ...before, header: { ...before.header, status } };
  return isDeepStrictEqual(after, meant) ? { ok: true, bytes: text } : refuse(at + 1, 'this status cannot be changed');
}

const isFence = (line: string): boolean => line.trimEnd() === '---';

function split(text: string): { header: string; body: string } | null {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  if (!isFence(lines[0] ?? '')) return null;
  const end = lines.findIndex((line, index) => index > 0 && isFence(line));
  if (end < 0) return null;
  return { header: lines.slice(1, end).join('\n'), body: lines.slice(end + 1).join('\n') };
}

function refuse(line: number, message: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { line, message } };
}
