import { taskFileLimits } from '@countersign/contracts/limits.ts';

/** `x.md` with an id appended, `x.k7f3q.md`; the stem is cut where the name would become too long for a file system. */
export function withSuffix(name: string, id: string): string {
  const extension = name.endsWith('.md') ? '.md' : '';
  return fit(name.slice(0, name.length - extension.length), `.${id}${extension}`);
}

/** The name of the text that says why a file was not accepted. */
export function errorFileName(name: string): string {
  return fit(name, '.error.txt');
}

function fit(stem: string, ending: string): string {
  let cut = stem;
  while (Buffer.byteLength(cut + ending) > taskFileLimits.nameBytes) cut = [...cut].slice(0, -1).join('');
  return cut + ending;
}

const temporaryNames = [
  /^[.~]/,
  /~$/,
  /\.(?:tmp|temp|part|partial|crdownload|download|swp|swx|filepart)$/i,
  /^4913$/,
  /\.sb-[0-9a-f]+-\w+/i,
  /\.sync-conflict-/i,
  /\bconflicted copy\b/i,
];

/** Whether a name in the inbox is a task's: a `.md` that no editor, copier or synchroniser is still working on. */
export function isTaskFileName(name: string): boolean {
  return name.toLowerCase().endsWith('.md') && !temporaryNames.some((pattern) => pattern.test(name));
}
