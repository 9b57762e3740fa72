/** What stands in the place of a value that is not shown. */
export const leftOut = '[left out]';

export type Masked = { readonly text: string; readonly masked: number };

const secretName =
  /pass(?:word|wd|phrase|code)?|secret|token|api[-_]?key|private|signing|credential|auth|bearer|cookie|session|seed|otp|salt|signature|pwd|(?:^|[-_.])(?:key|pin|pat|psk|pass)$/i;
/** Names of limits that are no secrets. */
const harmless = /^(?:tokens|token_budget|max_tokens|author|authors|pass|passes)$/i;
/** A name and what stands between it and its value, also in a comment, a list, an inline map or JSON. */
const assignment = /(?<![\w.-])["']?([A-Za-z_][\w.-]*)["']?[ \t]*(?::(?=[\s"'[{|>]|$)|=(?!=)|:(?=\S))[ \t]*/g;

const pem = /-----BEGIN [^-\n]+-----(?:(?!-----BEGIN )[\s\S])*?(?:-----END [^-\n]+-----|$(?![\s\S]))/g;
const userInUrl = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@"']+@/gi;
const secretInUrl =
  /([?&#;](?:[\w.-]{0,64}(?:token|key|secret|sig|signature|pass(?:word)?|auth|code|credential)[\w.-]{0,64})=)[^\s&#"']+/gi;
const scheme = /\b(Bearer|Basic|Digest|Token)[ \t]+[A-Za-z0-9._~+/=-]{6,}/g;
/** Tokens that are known by their form. */
const token =
  /\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|gl[a-z]{2,4}-[\w-]{20,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|sk-[\w-]{16,}|[rsp]k_(?:live|test)_\w{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|ya29\.[\w-]{10,}|eyJ[\w-]{5,1024}\.[\w-]{5,}(?:\.[\w-]*)?|sy[tr]_[\w-]{10,}|mda_\w{10,}|npm_\w{16,}|pypi-[\w-]{16,}|hf_\w{16,}|tskey-[\w-]{8,}|dop_v1_\w{16,}|SG\.[\w-]{10,64}\.[\w-]{10,}|AGE-SECRET-KEY-1\w{20,}|shpat_\w{16,}|dckr_pat_[\w-]{16,})/g;
/** Long runs of letters and digits mixed as no word is; a digest is named as one. */
const random = /(?<![\w+/=:-])(?=[\w+/-]*[A-Z])(?=[\w+/-]*[a-z])(?=[\w+/-]*\d)[\w+/-]{32,}={0,2}(?![\w+/=-])/g;
const hexadecimal = /(?<!sha(?:256|384|512)[:-])(?<![\w:-])[0-9a-fA-F]{32,}(?![\w-])/g;

/**
 * A file of the configuration without what is secret in it: values of names that sound so, with all the lines that belong to them, and
 * what looks like a token, a key or a password in a URL wherever it stands. What is left out too much costs a look at the file itself.
 */
export function maskSecrets(text: string): Masked {
  let masked = 0;
  const replace = (from: string, pattern: RegExp, put: (...found: string[]) => string) =>
    from.replace(pattern, (...found) => {
      masked += 1;
      return put(...(found as string[]));
    });
  const withoutBlocks = replace(text, pem, () => leftOut);
  const named = maskNamed(withoutBlocks);
  masked += named.masked;
  let shown = replace(named.text, userInUrl, (_all, start = '') => `${start}${leftOut}@`);
  shown = replace(shown, secretInUrl, (_all, start = '') => `${start}${leftOut}`);
  shown = replace(shown, scheme, (_all, name = '') => `${name} ${leftOut}`);
  for (const pattern of [token, random, hexadecimal]) shown = replace(shown, pattern, () => leftOut);
  return { text: shown, masked };
}

/** Values of names that sound like a secret's, to the end of what belongs to them. */
function maskNamed(text: string): Masked {
  const lines = text.split('\n');
  const shown: string[] = [];
  let masked = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const found = secretIn(line);
    if (found === null) {
      shown.push(line);
      continue;
    }
    const { start, value } = found;
    const last = lastLineOf(lines, at, value);
    const isEmpty = last === at && /^["']{0,2}[ \t]*(?:#.*)?\r?$/.test(value);
    if (isEmpty) {
      shown.push(line);
      continue;
    }
    masked += 1;
    shown.push(`${line.slice(0, start)}${leftOut}`);
    at = last;
  }
  return { text: shown.join('\n'), masked };
}

function secretIn(line: string): { readonly start: number; readonly value: string } | null {
  const question = /^[ \t#]*\?[ \t]+["']?([\w.-]+)/.exec(line);
  if (question !== null && isSecret(question[1] ?? '')) return { start: line.length, value: '|' };
  for (const match of line.matchAll(assignment)) {
    if (!isSecret(match[1] ?? '')) continue;
    const start = match.index + match[0].length;
    return { start, value: line.slice(start) };
  }
  return null;
}

function isSecret(name: string): boolean {
  return secretName.test(name) && !harmless.test(name);
}

/** The last line that belongs to a value which begins on line `at`: up to a closing quotation mark, or as far as what is below it goes. */
function lastLineOf(lines: readonly string[], at: number, value: string): number {
  const quote = /^["']/.exec(value)?.[0];
  if (quote !== undefined && !closes(value.slice(1), quote)) {
    for (let next = at + 1; next < lines.length; next += 1) if (closes(lines[next] ?? '', quote)) return next;
    return lines.length - 1;
  }
  const own = indentOf(lines[at] ?? '');
  let last = at;
  for (let next = at + 1; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    if (line.trim() === '') continue;
    const isBelow = indentOf(line) > own;
    const isItem = value.trim() === '' && indentOf(line) === own && /^[ \t]*-(?:[ \t]|$)/.test(line);
    const isAnswer = value === '|' && indentOf(line) === own && /^[ \t]*:/.test(line);
    // A shell's or an env file's line goes on behind a backslash.
    const goesOn = /\\\r?$/.test(lines[next - 1] ?? '') && last === next - 1;
    if (!(isBelow || isItem || isAnswer || goesOn)) break;
    last = next;
  }
  return last;
}

function closes(text: string, quote: string): boolean {
  return quote === '"' ? /(?:^|[^\\])(?:\\\\)*"/.test(text) : text.includes("'");
}

function indentOf(line: string): number {
  return /^[ \t]*/.exec(line)?.[0].length ?? 0;
}
