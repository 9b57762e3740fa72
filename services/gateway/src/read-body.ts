import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';
import type { Refusal } from './refusal.ts';

type Read =
  | { readonly status: 'read'; readonly bytes: Buffer }
  | { readonly status: 'refused'; readonly refusal: Refusal }
  | { readonly status: 'gone' };

const tooLarge: Read = { status: 'refused', refusal: { status: 413, reason: 'the body is too large' } };
const busy: Read = { status: 'refused', refusal: { status: 503, reason: 'too many bytes are waiting; try again' } };

/**
 * Reads a request's body into memory, charging `held` before each byte is kept; what was charged stays so until the caller gives
 * it back.
 * @param maximumBytes a larger body is refused
 */
export async function readBody(
  request: IncomingMessage,
  maximumBytes: number,
  held: ByteBudget,
): Promise<{ outcome: Read; charged: number }> {
  if (Number(request.headers['content-length'] ?? 0) > maximumBytes) return { outcome: tooLarge, charged: 0 };
  const chunks: Buffer[] = [];
  let charged = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (charged + chunk.length > maximumBytes) return { outcome: tooLarge, charged };
      if (!held.take(chunk.length)) return { outcome: busy, charged };
      charged += chunk.length;
      chunks.push(chunk);
    }
  } catch {
    return { outcome: { status: 'gone' }, charged };
  }
  return { outcome: { status: 'read', bytes: Buffer.concat(chunks) }, charged };
}

/** Reads what is left of a refused request and drops it: a client that is still sending would not see its answer. */
export async function discardBody(request: IncomingMessage, maximumBytes: number): Promise<void> {
  // Who waits for leave to send its body sends none.
  if (request.headers.expect !== undefined) return;
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > maximumBytes) return;
    }
  } catch {
    // The client has gone; there is nobody to answer.
  }
}
