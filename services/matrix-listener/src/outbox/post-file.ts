import { join } from 'node:path';
import { attachedFileLimits } from '@countersign/contracts/attached-file.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { readFileStart } from '@countersign/kit/regular-file.ts';
import type { Homeserver, Post } from '../adapters/matrix.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { threadOf } from '../journals/asked.ts';
import { fileMessage, type MediaAddress } from '../message/file-message.ts';
import { Patience } from '../patience.ts';
import type { ListenerState, Outgoing, QueuedFile } from '../state/listener-state.ts';

/** A file is not posted. `left-out`: nor will it be; `later`: it holds up nothing until then. The cause is the homeserver's, where it was that. */
export class FileError extends Error {
  readonly code: 'left-out' | 'later';
  constructor(code: FileError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FileError';
    this.code = code;
  }
}

type Parts = {
  /** The folder that holds `runs/`. */
  readonly volumes: string;
  readonly homeserver: Pick<Homeserver, 'upload' | 'answers'>;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

/**
 * Makes posts of files. Invariant: nothing goes up that was not compared with its digest, and the bytes that were compared are those that
 * go up. That a file is up is kept in memory alone: one that is put there twice is no harm, for only a post shows it to anybody.
 */
export class FilePosts {
  readonly #parts: Parts;
  readonly #patience: Patience;
  #up: { readonly key: string; readonly size: number; readonly url: MediaAddress } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock);
  }

  /** @throws FileError; HomeserverError where nothing can be posted; the signal's reason */
  async make(message: Outgoing & { file: QueuedFile }, state: ListenerState, signal: AbortSignal): Promise<Post> {
    const { key, type, file } = message;
    const thread = threadOf(state, file.task);
    if (thread === null) throw new FileError('left-out', 'the message that it belongs to is not known any more');
    if (this.#up?.key !== key) this.#up = { key, ...(await this.#upload(key, file, signal)) };
    return { key, type, content: fileMessage(file.name, this.#up.size, this.#up.url, thread) };
  }

  async #upload(key: string, file: QueuedFile, signal: AbortSignal): Promise<{ size: number; url: MediaAddress }> {
    const bytes = await this.#read(file);
    const { answers } = this.#parts.homeserver;
    try {
      const url = await this.#parts.homeserver.upload(file.name, bytes, signal);
      this.#patience.forget(key);
      return { size: bytes.length, url };
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof HomeserverError) || isUnheard(cause)) throw cause;
      // One that answers nothing else either may be away: that is no fault of the file.
      const isAway =
        cause.code === 'unreachable' && cause.status === null && this.#parts.homeserver.answers === answers;
      if (isAway) throw new FileError('later', cause.message, { cause });
      if (!isFinal(cause) && this.#patience.lasts(key)) throw new FileError('later', cause.message, { cause });
      this.#patience.forget(key);
      throw new FileError('left-out', `the homeserver does not take it: ${cause.message}`, { cause });
    }
  }

  async #read({ path, sha256: expected }: QueuedFile): Promise<Buffer> {
    const { volumes } = this.#parts;
    const { bytes, size } = await readFileStart(join(volumes, path), attachedFileLimits.bytes, volumes).catch(
      (cause) => {
        throw new FileError('left-out', `it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
      },
    );
    if (size !== bytes.length || sha256(bytes) !== expected)
      throw new FileError('left-out', 'it was changed after it was saved');
    return bytes;
  }
}

/** What keeps every message from being posted, and so waits with them. That nothing comes back may be so of this route alone. */
function isUnheard({ code }: HomeserverError): boolean {
  return code === 'unauthorised' || code === 'address';
}

/** Too large, not allowed, no such route: it would say the same again. */
function isFinal({ code, status }: HomeserverError): boolean {
  if (code === 'limited' || status === 408) return false;
  return code === 'refused' || (status !== null && status < 500);
}
