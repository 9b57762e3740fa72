/** What is not as it should be, and where; `line` is null where a file, or its absence, is meant. */
export type Finding = { readonly path: string; readonly line: number | null; readonly what: string };

/** What an audit found. A note is nothing wrong: it tells what a reader would otherwise wonder about. */
export type Findings = { readonly findings: Finding[]; readonly notes: Finding[] };

/** As compilers and editors spell a place. */
export function formatFinding({ path, line, what }: Finding): string {
  return line === null ? `${path}: ${what}` : `${path}:${line}: ${what}`;
}
