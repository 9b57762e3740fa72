import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import type { z } from 'zod';
import { allowedKeys } from './allowed-keys.ts';
import { taskFileLimits } from './limits.ts';
import type { Problem } from './problem.ts';

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };
type LineOf = (offset: number) => number;

/**
 * Parses YAML that a person wrote, strictly: no aliases or anchors, no duplicate keys, no directives, no tags of one's own.
 * All problems are reported together, each with its line, up to a limit; an unknown key comes with the keys that exist there.
 * @param firstLine line number of the text's first line in its file
 */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  firstLine = 1,
): Outcome<z.output<Schema>> {
  const lines = new LineCounter();
  const lineOf: LineOf = (offset) => lines.linePos(offset).line + firstLine - 1;
  const document = parseStrictly(text, lines);
  if (document === null) return refuse([{ line: firstLine, message: 'nested too deeply' }]);
  const problems = [...syntaxProblems(document, lineOf), ...directiveProblems(text, firstLine)];
  if (problems.length > 0) return refuse(problems);

  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return { ok: true, value: parsed.data };
  return refuse(parsed.error.issues.flatMap((issue) => describe(issue, schema, document, lineOf)));
}

/** Null when the nesting is deeper than the parser's stack. */
function parseStrictly(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    // The parser's own check for duplicate keys compares each with each; ours is below.
    const document = parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      version: '1.2',
      schema: 'core',
      // It would quote the line with each error: of a long line that is wrong at every character that takes the square of its length.
      prettyErrors: false,
      // At `silent` the parser would drop every document after the first one without a word.
      logLevel: 'error',
    });
    return isTooDeep(document) ? null : document;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const maximumDepth = 50;

function isTooDeep(document: Document.Parsed): boolean {
  let tooDeep = false;
  visit(document, {
    Collection: (_key, _node, path) => {
      // A map's members are pairs, which count in the path as well.
      if (path.length <= 2 * maximumDepth) return undefined;
      tooDeep = true;
      return visit.BREAK;
    },
  });
  return tooDeep;
}

function syntaxProblems(document: Document.Parsed, lineOf: LineOf): Problem[] {
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    line: lineOf(error.pos[0]),
    message: `not YAML as expected here: ${firstSentence(error.message)}`,
  }));
  visit(document, {
    Node: (_key, node) => {
      const line = lineOf(node.range?.[0] ?? 0);
      if (isAlias(node)) problems.push({ line, message: 'YAML aliases (*name) are not allowed' });
      else if ('anchor' in node && node.anchor)
        problems.push({ line, message: 'YAML anchors (&name) are not allowed' });
      if (isMap(node)) problems.push(...keyProblems(node, lineOf));
    },
  });
  return problems;
}

function keyProblems(map: YAMLMap, lineOf: LineOf): Problem[] {
  const seen = new Map<string, number>();
  return map.items.flatMap(({ key }): Problem[] => {
    const line = lineOf(startOf(key) ?? 0);
    if (!isScalar(key)) return [{ line, message: 'a key is a word, not a list or a map' }];
    const name = String(key.value);
    const first = seen.get(name);
    if (first !== undefined)
      return [
        { line, message: `the key ${JSON.stringify(name)} stands here a second time; it is already on line ${first}` },
      ];
    seen.set(name, line);
    return [];
  });
}

/** A `%YAML 1.1` line would give `no` and `yes` other meanings than the rest of the file has. */
function directiveProblems(text: string, firstLine: number): Problem[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      line.startsWith('%') ? [{ line: firstLine + index, message: 'YAML directives (%NAME) are not allowed' }] : [],
    );
}

function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, document: Document.Parsed, lineOf: LineOf): Problem[] {
  const where = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    // Each costs a search, and no more than this many are told.
    return issue.keys.slice(0, taskFileLimits.problems).map((key) => ({
      line: lineOf(offsetOf(document.contents, [...issue.path, key])),
      message: [
        `unknown key ${JSON.stringify(key)}${where === '' ? '' : ` in ${where}`}`,
        `allowed: ${allowedKeys(schema, issue.path).join(', ')}`,
      ].join('; '),
    }));
  const line = lineOf(offsetOf(document.contents, issue.path));
  return [{ line, message: `${where === '' ? '' : `${where}: `}${wordingOf(issue)}` }];
}

/** The schema's own message, and more where that speaks of types only. */
function wordingOf(issue: z.core.$ZodIssue): string {
  if (issue.message.endsWith('received undefined')) return `this key is needed (${issue.message})`;
  if (/expected string, received (?:number|boolean)$/.test(issue.message)) return `${issue.message}; put it in quotes`;
  if (issue.path.length === 0 && issue.code === 'invalid_type')
    return `${issue.message}; "key: value" lines are expected, with a space after the colon`;
  return issue.message;
}

/** Where the value at this path begins, or its key, or its nearest parent that exists. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node = root;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function refuse(problems: readonly Problem[]): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: problems.slice(0, taskFileLimits.problems) };
}
