import { taskFileLimits } from '@countersign/contracts/limits.ts';
import type { MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import { HomeserverError } from '../homeserver-error.ts';
import type { Patience } from '../patience.ts';
import { submittedName } from './read-run.ts';

/** Where a file lies that somebody has put into the room. */
export type Attached = { readonly server: string; readonly media: string };

type Read =
  | { readonly ok: true; readonly asked: AskedCommand & { kind: 'submit' } }
  | { readonly ok: false; readonly reason: string };

const address = /^mxc:\/\/([A-Za-z0-9.:-]{1,255})\/([A-Za-z0-9_-]{1,255})$/;
/** Nothing can be asked of the homeserver. */
const unheard: ReadonlySet<string> = new Set(['unauthorised', 'address']);
/** It can be asked, for the room was read just now, and yet does not give this: it may in a while. */
const passing: ReadonlySet<string> = new Set(['unreachable', 'limited']);

/** Whether a message is a file that its name calls a task's; the name says nothing else. Pure. */
export function isTaskFile({ msgtype, body, filename }: Readonly<Record<string, unknown>>): boolean {
  const name = filename ?? body;
  return msgtype === 'm.file' && typeof name === 'string' && /\.md$/i.test(name);
}

/** Where the file lies; null for one that is encrypted, or that another server than the bot's own would have to be asked for. Pure. */
export function attachedAt({ url }: Readonly<Record<string, unknown>>, bot: MatrixUserId): Attached | null {
  const [, server, media] = typeof url === 'string' ? (address.exec(url) ?? []) : [];
  if (server === undefined || media === undefined) return null;
  return server === bot.slice(bot.indexOf(':') + 1) ? { server, media } : null;
}

/**
 * The task file that was attached, as a command. What of its keys a room may name is for the runner to judge.
 * @param download gives the bytes
 * @param command the id that the command will have
 * @param patience with a file that the homeserver does not give, for the room is not read on before
 * @throws HomeserverError while it is to be asked for again
 */
export async function readFile(
  attached: Attached,
  download: (attached: Attached) => Promise<Uint8Array>,
  command: string,
  patience: Patience,
): Promise<Read> {
  let bytes: Uint8Array;
  try {
    bytes = await download(attached);
    patience.forget(command);
  } catch (error) {
    if (!(error instanceof HomeserverError) || unheard.has(error.code)) throw error;
    if (!passing.has(error.code)) return refuse(`the file cannot be read: ${error.message}`);
    if (patience.lasts(command)) throw error;
    return refuse(`the file cannot be read; attach it again: ${error.message}`);
  }
  if (bytes.length > taskFileLimits.fileBytes)
    return refuse(`a task file has at most ${taskFileLimits.fileBytes} bytes, and this has ${bytes.length}`);
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('the file is no text in UTF-8');
  }
  return { ok: true, asked: { kind: 'submit', subject: { file: submittedName(command), content } } };
}

function refuse(reason: string): Read {
  return { ok: false, reason };
}
