/** One thing that is wrong with a text that a person wrote. `line` counts from 1. */
export type Problem = { readonly line: number; readonly message: string };

/** `file:line: message`, one line each, in the order of the file. */
export function formatProblems(file: string, problems: readonly Problem[]): string {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  return sorted.map((problem) => `${file}:${problem.line}: ${problem.message}`).join('\n');
}
