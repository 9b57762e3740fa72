import { isAlias, isMap, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import type { Problem } from './problem.ts';

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Parses YAML that a person wrote, strictly: no aliases or anchors, no duplicate keys, no tags of one's own. All problems
 * are reported together, each with its line.
 * @param firstLine line number of the text's first line in its file
 */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  firstLine = 1,
): Outcome<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    version: '1.2',
    schema: 'core',
    logLevel: 'silent',
  });
  const lineOf = (offset: number) => lines.linePos(offset).line + firstLine - 1;
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    line: lineOf(error.pos[0]),
    message: firstSentence(error.message),
  }));
  visit(document, (_key, node) => {
    if (isAlias(node))
      problems.push({ line: lineOf(node.range?.[0] ?? 0), message: 'YAML aliases (*name) are not allowed' });
    else if (hasAnchor(node))
      problems.push({ line: lineOf(node.range?.[0] ?? 0), message: 'YAML anchors (&name) are not allowed' });
  });
  if (problems.length > 0) return { ok: false, problems };

  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return { ok: true, value: parsed.data };
  return {
    ok: false,
    problems: parsed.error.issues.map((issue) => ({
      line: lineOf(offsetOf(document.contents, issue)),
      message: describe(issue),
    })),
  };
}

function hasAnchor(node: unknown): node is ParsedNode {
  return (
    typeof node === 'object' &&
    node !== null &&
    'anchor' in node &&
    typeof node.anchor === 'string' &&
    node.anchor !== ''
  );
}

function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

/** Where the issue's value, or its unknown key, or its nearest parent that exists, begins. */
function offsetOf(root: ParsedNode | null, issue: z.core.$ZodIssue): number {
  const wanted = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  let offset = root?.range[0] ?? 0;
  let node: unknown = root;
  for (const step of wanted) {
    if (!isMap(node)) {
      const item =
        typeof step === 'number' && node !== null && typeof node === 'object' && 'items' in node
          ? (node.items as unknown[])[step]
          : undefined;
      if (item === undefined) return offset;
      node = item;
    } else {
      const pair = node.items.find(
        (candidate) => isScalar(candidate.key) && String(candidate.key.value) === String(step),
      );
      if (pair === undefined) return offset;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
      continue;
    }
    offset = (node as ParsedNode).range?.[0] ?? offset;
  }
  return offset;
}

function describe(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}${where === '' ? '' : ` in ${where}`}`;
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}
