import { taskFileLimits } from '../limits.ts';
import type { Problem } from '../problem.ts';
import { parseYaml } from '../yaml-text.ts';
import { TaskHeader, taskKeys } from './schema.ts';

/** What a dropped file asks for. `body` is the objective, empty when the workspace's own plan is to be used. */
export type TaskFile = {
  readonly header: TaskHeader;
  readonly body: string;
  readonly keyLines: ReadonlyMap<string, number>;
};
export type TaskFileOutcome =
  | { readonly ok: true; readonly file: TaskFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a task file: `key: value` lines up to the first blank line, or YAML front matter between two `---` lines; what
 * follows is the body. CRLF and a byte order mark are accepted. Every refusal names its line.
 */
export function parseTaskFile(bytes: Uint8Array): TaskFileOutcome {
  const decoded = decode(bytes);
  if (!decoded.ok) return decoded;
  const { header, headerLine, body, bodyLine } = split(decoded.text);
  if (header === null) return refuse(headerLine, 'front matter begins with --- but no line --- ends it');
  if (!hasKeys(header))
    return refuse(
      headerLine,
      `no "key: value" lines here; at least "workspace: <name>" is needed. Allowed keys: ${taskKeys.join(', ')}`,
    );
  const parsed = parseYaml(header, TaskHeader, headerLine);
  const problems = [...(parsed.ok ? [] : parsed.problems.map(withHint)), ...strayKeys(body, bodyLine)];
  if (!parsed.ok || problems.length > 0) return { ok: false, problems };
  return { ok: true, file: { header: parsed.value, body: body.trim(), keyLines: linesOfKeys(header, headerLine) } };
}

function withHint(problem: Problem): Problem {
  if (!problem.message.startsWith('not YAML')) return problem;
  return { ...problem, message: `${problem.message}; each line is "key: value", and a blank line ends the keys` };
}

/** A first paragraph of prose is no header with a mistake in it, and YAML's own complaint would help nobody. */
function hasKeys(header: string): boolean {
  return header.split('\n').some((line) => /^\s*[^#\s].*:|^\s*[{?]/.test(line));
}

/**
 * Keys that ask for a human and stand in the body, where they would do nothing: whoever wrote them expects them to hold. What
 * is quoted in a fenced block or indented as code is left alone.
 */
function strayKeys(body: string, bodyLine: number): Problem[] {
  let fenced = false;
  return body.split('\n').flatMap((line, index): Problem[] => {
    if (/^ {0,3}(?:```|~~~)/.test(line)) fenced = !fenced;
    const key = fenced
      ? undefined
      : /^ {0,3}["']?(approval[_ -]?required|stage(?=["']?\s*[:：]\s*\S+\s*$))["']?\s*[:：]/iu.exec(line)?.[1];
    if (key === undefined) return [];
    const message = `"${key}" stands in the text, where it has no effect; move it up to the keys, which a blank line or --- ends, or indent it by four spaces when it is text`;
    return [{ line: bodyLine + index, message }];
  });
}

/** Tab, line feed and carriage return are text; the others act on terminals and grow sixfold in JSON. */
const controlCharacter = /(?![\t\n\r])[\p{Cc}]/u;

function decode(bytes: Uint8Array): { ok: true; text: string } | { ok: false; problems: readonly Problem[] } {
  if (bytes.length > taskFileLimits.fileBytes)
    return refuse(1, `${bytes.length} bytes; a task file has at most ${taskFileLimits.fileBytes}`);
  if (bytes.length === 0) return refuse(1, 'the file is empty; at least "workspace: <name>" is needed');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse(1, 'not a text file: UTF-8 is expected');
  }
  const control = controlCharacter.exec(text);
  if (control !== null) {
    const name =
      control[0] === '\0' ? 'NUL' : `U+${control[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`;
    return refuse(lineAt(text, control.index), `not a text file: it holds the control character ${name}`);
  }
  return { ok: true, text: text.replaceAll('\r\n', '\n').replaceAll('\r', '\n') };
}

/** `header` is null when front matter is not closed. */
function split(text: string): { header: string | null; headerLine: number; body: string; bodyLine: number } {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() !== '');
  if (start < 0) return { header: '', headerLine: 1, body: '', bodyLine: 1 };
  const isFence = (line: string) => line.trimEnd() === '---';
  if (isFence(lines[start] ?? '')) {
    const end = lines.findIndex((line, index) => index > start && isFence(line));
    if (end < 0) return { header: null, headerLine: start + 1, body: '', bodyLine: 1 };
    return {
      header: lines.slice(start + 1, end).join('\n'),
      headerLine: start + 2,
      body: lines.slice(end + 1).join('\n'),
      bodyLine: end + 2,
    };
  }
  const blank = lines.findIndex((line, index) => index > start && line.trim() === '');
  const end = blank < 0 ? lines.length : blank;
  return {
    header: lines.slice(start, end).join('\n'),
    headerLine: start + 1,
    body: lines.slice(end).join('\n'),
    bodyLine: end + 1,
  };
}

function linesOfKeys(header: string, headerLine: number): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const [index, line] of header.split('\n').entries()) {
    const key = /^["']?([a-z_]+)["']?\s*:/.exec(line)?.[1];
    if (key !== undefined) lines.set(key, headerLine + index);
  }
  return lines;
}

function refuse(line: number, message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ line, message }] };
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
