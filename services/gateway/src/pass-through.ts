import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';

export type Passing = {
  /** The upstream's headers that go on, where they are plain text; no other does. */
  readonly headers: readonly string[];
  /** A longer answer is cut. */
  readonly maximumBytes: number;
  /** A client that takes nothing for so long is cut off. */
  readonly clientStallMs: number;
  readonly onChunk?: (chunk: Uint8Array) => void;
};

export type Passed = {
  /** `passed` to its end; cut by the `client` or by the `upstream`; or `too-large`. */
  readonly ended: 'passed' | 'client' | 'upstream' | 'too-large';
  readonly bytes: number;
};

/**
 * Hands an upstream answer on as it comes, one chunk at a time and never faster than the client takes it. An answer that breaks
 * off upstream, or is cut here, breaks off for the client, so that nobody takes it for whole.
 * @param client aborted when the client has gone
 */
export async function passThrough(
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
  { headers, maximumBytes, clientStallMs, onChunk }: Passing,
  client: AbortSignal,
): Promise<Passed> {
  response.writeHead(answer.statusCode, { connection: 'close', ...pick(answer.headers, headers) });
  response.flushHeaders();
  let bytes = 0;
  try {
    for await (const chunk of answer.body) {
      onChunk?.(chunk);
      bytes += chunk.length;
      if (bytes > maximumBytes) throw new AnswerTooLarge();
      if (!response.write(chunk)) await drained(response, clientStallMs, client);
    }
    response.end();
    return { ended: 'passed', bytes };
  } catch (error) {
    response.destroy();
    if (error instanceof AnswerTooLarge) return { ended: 'too-large', bytes };
    return { ended: client.aborted || error instanceof ClientStalled ? 'client' : 'upstream', bytes };
  }
}

class ClientStalled extends Error {}
class AnswerTooLarge extends Error {}

/** What a header's value may be to go on; a server's odd bytes are not handed to anybody's parser. */
const plainValue = /^[\x20-\x7e]{1,200}$/;

function pick(headers: Dispatcher.ResponseData['headers'], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' && plainValue.test(value) ? [[name, value]] : [];
    }),
  );
}

async function drained(response: ServerResponse, stallMs: number, client: AbortSignal): Promise<void> {
  const stalled = AbortSignal.timeout(stallMs);
  try {
    await once(response, 'drain', { signal: AbortSignal.any([client, stalled]) });
  } catch (cause) {
    throw stalled.aborted ? new ClientStalled('the client takes nothing', { cause }) : cause;
  }
}
