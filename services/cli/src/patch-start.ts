import type { RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import { readPatchPart } from '@countersign/kit/diff-view.ts';
import { asAdvice } from './shown-diff.ts';

/** The beginning of a saved patch: `end` of its `size` bytes. */
export type PatchStart = { readonly text: string; readonly end: number; readonly size: number };

const stepBytes = 1024 * 1024;

/** Reads at most so many bytes of a patch, cut behind a line where one ends in time. @throws CliError */
export async function readPatchStart(
  volumes: string,
  folder: string,
  { file }: RepositoryDiff['patch'],
  bytes: number,
): Promise<PatchStart> {
  const parts: string[] = [];
  for (let offset = 0; ; ) {
    const asked = Math.min(stepBytes, bytes - offset);
    const part = await readPatchPart(volumes, folder, file, { offset, bytes: asked }).catch((error: unknown) => {
      throw asAdvice(error);
    });
    parts.push(part.text);
    const isOver = asked < stepBytes || part.end >= part.size || part.end >= bytes || part.end === offset;
    if (isOver) return { text: parts.join(''), end: part.end, size: part.size };
    offset = part.end;
  }
}
