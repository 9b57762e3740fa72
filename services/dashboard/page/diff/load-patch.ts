import type { FilePiece } from '@countersign/contracts/page-api.ts';
import { get } from '../api/client.ts';
import { filePath } from '../api/file-path.ts';

/** Of one repository's patch; the rest is for an editor. */
const shownBytes = 8 * 1024 * 1024;

export type LoadedPatch = { readonly text: string; readonly whole: boolean };

/**
 * A repository's patch, piece after piece.
 * @throws RequestFailure
 */
export async function loadPatch(
  task: string,
  attempt: number,
  file: string,
  signal: AbortSignal,
): Promise<LoadedPatch> {
  const path = filePath(task, attempt, `diffs/${file}`);
  let text = '';
  let from = 0;
  for (;;) {
    const piece = await get<FilePiece>(`${path}?from=${from}`, { signal });
    text += piece.text;
    if (piece.to >= piece.bytes || piece.to <= from) return { text, whole: true };
    if (piece.to >= shownBytes) return { text: text.slice(0, text.lastIndexOf('\n') + 1), whole: false };
    from = piece.to;
  }
}
