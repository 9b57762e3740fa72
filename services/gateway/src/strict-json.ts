import { bodyLimits } from './limits.ts';

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

const quote = 0x22;
const comma = 0x2c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/**
 * Parses JSON that every parser reads the same way: no key twice in one object, no `__proto__`, bounded depth and number of
 * values. The bounds are checked before anything is built, so that a small text cannot become a large structure.
 */
export function parseStrictJson(text: string): Parsed {
  const reason = findProblem(text);
  if (reason !== null) return { ok: false, reason };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, reason: 'the body is not JSON' };
  }
}

/** As `parseStrictJson`, of a body as it came. */
export function parseStrictBody(bytes: Uint8Array): Parsed {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'the body is not UTF-8' };
  }
  return parseStrictJson(text);
}

/** Looks at structure only: what it says of a text that is not JSON does not matter, for `JSON.parse` refuses that text. */
function findProblem(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  let values = 0;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case quote: {
        const end = endOfString(text, index);
        if (end === -1) return 'the body is not JSON';
        const keys = open.at(-1);
        if (expectsKey && keys) {
          const problem = addKey(keys, text.slice(index + 1, end));
          if (problem !== null) return problem;
          expectsKey = false;
        }
        index = end;
        break;
      }
      case openObject:
      case openArray: {
        const isObject = text.charCodeAt(index) === openObject;
        open.push(isObject ? new Set() : null);
        expectsKey = isObject;
        values += 1;
        if (open.length > bodyLimits.depth) return `the body is nested deeper than ${bodyLimits.depth}`;
        break;
      }
      case closeObject:
      case closeArray:
        open.pop();
        expectsKey = false;
        break;
      case comma:
        expectsKey = open.at(-1) instanceof Set;
        values += 1;
        break;
    }
    if (values > bodyLimits.values) return `the body has more than ${bodyLimits.values} values`;
  }
  return null;
}

function addKey(keys: Set<string>, raw: string): string | null {
  const key = raw.includes('\\') ? unescapeKey(raw) : raw;
  if (key === null) return 'the body is not JSON';
  if (key === '__proto__') return 'the body has a key __proto__';
  if (keys.has(key)) return 'the body has a key twice in one object';
  keys.add(key);
  return null;
}

function unescapeKey(raw: string): string | null {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return null;
  }
}

/** The index of the closing quote of the string that starts at `start`, or -1. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}
