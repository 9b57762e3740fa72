import { pipeline } from 'node:stream/promises';
import { type FilePiece, pageLimits } from '@countersign/contracts/page-api.ts';
import type { Response } from 'express';
import type { OpenedArtifact, Queries } from '../queries/queries.ts';
import { RequestProblem } from './problem.ts';

/** A file of an attempt's folder, as an address names it. */
export type NamedFile = { readonly task: string; readonly attempt: string; readonly name: string };
export type FileSource = Pick<Queries, 'artifact'>;

/** Relative, of plain parts; none is hidden, leads upward, or could be taken for something else by a browser or a file system. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9._@+-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._@+-]*)*$/;
const nameCharacters = 1_024;

/** A piece of a file as text. @param from bytes from its beginning, or back from its end where it is negative */
export async function readPiece(source: FileSource, file: NamedFile, from: number): Promise<FilePiece> {
  const opened = await openPiece(source, file, from, pageLimits.fileBytes);
  const parts: Buffer[] = [];
  for await (const part of opened.stream()) parts.push(Buffer.from(part));
  const { text, before, after } = wholeCharacters(Buffer.concat(parts), {
    begins: opened.start === 0,
    ends: opened.end >= opened.bytes,
  });
  return { bytes: opened.bytes, from: opened.start + before, to: opened.end - after, text };
}

/**
 * Writes a file, or the part of it that is asked for, as text to be saved: whatever is in it, no browser shows it as anything else.
 * @param part in bytes; the whole rest where it is not said how many
 */
export async function sendFile(
  source: FileSource,
  file: NamedFile,
  part: { readonly start: number; readonly bytes: number | undefined },
  response: Response,
): Promise<void> {
  const wanted = part.bytes ?? Number.MAX_SAFE_INTEGER;
  const first = await openPiece(source, file, part.start, Math.min(wanted, pageLimits.fileBytes));
  const end = Math.min(first.bytes, first.start + wanted);
  response.set({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': `attachment; filename="${savedName(file)}"`,
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'content-length': String(end - first.start),
    'x-countersign-bytes': String(first.bytes),
  });
  if (response.req.method === 'HEAD') {
    await first.close();
    response.end();
    return;
  }
  try {
    await pipeline(piecesOf(source, file, first, end), response);
  } catch (error) {
    // Whoever asked has gone.
    if (!response.destroyed) throw error;
  }
}

async function* piecesOf(source: FileSource, file: NamedFile, first: OpenedArtifact, end: number) {
  for (let piece = first; ; ) {
    yield* piece.stream();
    if (piece.end >= end) return;
    const from = piece.end;
    piece = await openPiece(source, file, from, Math.min(end - from, pageLimits.fileBytes));
    if (piece.end <= from) throw new Error('a file became shorter while it was sent');
  }
}

async function openPiece(
  source: FileSource,
  { task, attempt, name }: NamedFile,
  start: number,
  bytes: number,
): Promise<OpenedArtifact> {
  if (name.length > nameCharacters || !plainName.test(name))
    throw new RequestProblem(404, 'not_found', 'There is no such file.');
  return await source.artifact({ task, attempt, name, start, bytes });
}

function savedName({ task, attempt, name }: NamedFile): string {
  return `${task}-${attempt}-${name}`.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(-150);
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** Cuts what is not wholly in the piece off its ends, of which a character has three bytes at most. */
function wholeCharacters(bytes: Buffer, { begins, ends }: { readonly begins: boolean; readonly ends: boolean }) {
  let before = 0;
  while (!begins && before < 3 && isContinuation(bytes[before])) before += 1;
  const after = ends ? 0 : unfinished(bytes);
  return { text: bytes.toString('utf8', before, bytes.length - after), before, after };
}

function unfinished(bytes: Buffer): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (isContinuation(byte)) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > length ? length : 0;
  }
  return 0;
}
