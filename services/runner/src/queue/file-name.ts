import { refusalSuffix } from '@countersign/contracts/refused-file.ts';
import { fitName } from '@countersign/contracts/task-file/file-name.ts';

/** `x.md` with an id appended, `x.k7f3q.md`; the stem is cut where the name would become too long for a file system. */
export function withSuffix(name: string, id: string): string {
  const { stem, extension } = split(name);
  return fitName(stem, `.${id}${extension}`);
}

/** The same, short enough that the name of the text beside it, which says why the file was refused, is not cut. */
export function refusedName(name: string, id: string): string {
  const { stem, extension } = split(name);
  return fitName(stem, `.${id}${extension}${refusalSuffix}`).slice(0, -refusalSuffix.length);
}

function split(name: string): { stem: string; extension: string } {
  const extension = /\.md$/i.exec(name)?.[0] ?? '';
  return { stem: name.slice(0, name.length - extension.length), extension };
}
