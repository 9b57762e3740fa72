import type { AttachedFileName } from '@countersign/contracts/attached-file.ts';
import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';
import { type ThreadRelation, threadRelation } from './in-thread.ts';

/** Where a homeserver keeps a file, by its own word. */
export const MediaAddress = z.string().regex(/^mxc:\/\/[A-Za-z0-9.:[\]-]{1,255}\/[A-Za-z0-9_-]{1,255}$/);
export type MediaAddress = z.infer<typeof MediaAddress>;

/** The content of an `m.room.message` that is a file. */
export type FileContent = {
  readonly msgtype: 'm.file';
  /** The same as the name: a body of its own would be a caption. */
  readonly body: AttachedFileName;
  readonly filename: AttachedFileName;
  readonly info: { readonly mimetype: 'text/plain'; readonly size: number };
  readonly url: MediaAddress;
  readonly 'm.mentions': Readonly<Record<string, never>>;
  readonly 'm.relates_to': ThreadRelation;
};

/** A file in a task's thread: nothing of what stands in it is said of it but its length in bytes. Pure. */
export function fileMessage(
  name: AttachedFileName,
  size: number,
  url: MediaAddress,
  thread: MatrixEventId,
): FileContent {
  return {
    msgtype: 'm.file',
    body: name,
    filename: name,
    info: { mimetype: 'text/plain', size },
    url,
    'm.mentions': {},
    'm.relates_to': threadRelation(thread),
  };
}
