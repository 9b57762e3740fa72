import { taskFileLimits } from '../limits.ts';
import { refusalSuffix } from '../refused-file.ts';

const temporaryNames = [
  /^[.~]/,
  /~$/,
  /\.(?:tmp|temp|part|partial|crdownload|download|swp|swx|filepart)$/i,
  /^4913$/,
  /\.sb-[0-9a-f]+-\w+/i,
];

/** What synchronisers call the losing version of a file that was changed in two places. */
const conflictNames = [/\.sync-conflict-/i, /\bconflicted copy\b/i];

/** Whether a name in the inbox is a task's: a `.md` that no editor, copier or synchroniser is still working on. */
export function isTaskFileName(name: string): boolean {
  return isWholeFileName(name) && !isConflictCopy(name);
}

/** Leaves room for what is appended to a name when its file is taken. */
export const submittedNameBytes = 200;

/** Whether a task file can be handed in under this name. */
export function isSubmittedName(name: string): boolean {
  return (
    isTaskFileName(name) && !name.includes('/') && !name.includes('\0') && Buffer.byteLength(name) <= submittedNameBytes
  );
}

/** Whether a file is a synchroniser's copy of a task file: it is told of and never run, for nobody knows which version is meant. */
export function isConflictCopy(name: string): boolean {
  return isWholeFileName(name) && conflictNames.some((pattern) => pattern.test(name));
}

function isWholeFileName(name: string): boolean {
  return name.toLowerCase().endsWith('.md') && !temporaryNames.some((pattern) => pattern.test(name));
}

/** The name of the text that says why a file was not accepted; the stem is cut where the name would be too long. */
export function errorFileName(name: string): string {
  return fitName(name, refusalSuffix);
}

/** `stem` and `ending`, with as much cut from the stem's end as a file system's limit on one name demands. */
export function fitName(stem: string, ending: string): string {
  let cut = stem;
  while (Buffer.byteLength(cut + ending) > taskFileLimits.nameBytes) cut = [...cut].slice(0, -1).join('');
  return cut + ending;
}
