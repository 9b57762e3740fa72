import type { DoorError } from '@countersign/contracts/gateway-api.ts';
import { Pool } from 'undici';
import { listenerLimits } from '../limits.ts';

/** One request at a time for sync, for sending, and for what the start asks. */
const connections = 4;

/**
 * `fetch` over the gateway's door, a unix socket. An answer is handed on only when it is here whole and within its limit, so
 * that no later reading of it can wait for ever or grow. What keeps it away becomes an answer in the door's own shape: of an error
 * the Matrix library hands on nothing but its words.
 */
export class DoorFetch implements AsyncDisposable {
  readonly #pool: Pool;

  constructor(socketPath: string) {
    this.#pool = new Pool('http://homeserver', {
      socketPath,
      connections,
      maxResponseSize: listenerLimits.answerBytes,
      headersTimeout: listenerLimits.syncHoldMs + listenerLimits.requestMs,
      bodyTimeout: listenerLimits.requestMs,
    });
  }

  readonly fetch: typeof globalThis.fetch = async (resource, init) => {
    try {
      return await this.#request(resource, init);
    } catch (error) {
      init?.signal?.throwIfAborted();
      return failure(codeOf(error));
    }
  };

  async #request(...[resource, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
    const url = new URL(resource instanceof Request ? resource.url : resource);
    const method = (init?.method ?? 'GET') as 'GET' | 'PUT' | 'POST';
    const headers = Object.fromEntries(new Headers(init?.headers));
    const answer = await this.#pool.request({
      method,
      path: url.pathname + url.search,
      headers,
      body: typeof init?.body === 'string' || init?.body instanceof Uint8Array ? init.body : null,
      signal: init?.signal ?? null,
    });
    let bytes: ArrayBuffer;
    try {
      bytes = await answer.body.arrayBuffer();
    } catch (error) {
      init?.signal?.throwIfAborted();
      return badAnswer(codeOf(error) === tooLarge ? tooLargeText : 'the homeserver’s answer broke off');
    }
    if (countValues(new Uint8Array(bytes)) > listenerLimits.answerValues)
      return badAnswer(`the homeserver answered with more than ${listenerLimits.answerValues} values`);
    if (answer.statusCode < 200 || answer.statusCode > 599 || (answer.statusCode >= 300 && answer.statusCode < 400))
      return badAnswer(`the homeserver answered ${answer.statusCode}`);
    const kept = ['content-type', 'retry-after'].flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value] as [string, string]] : [];
    });
    return new Response(bytes.byteLength === 0 ? null : bytes, { status: answer.statusCode, headers: kept });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

const tooLarge = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
const tooLargeText = `the homeserver answered more than ${listenerLimits.answerBytes} bytes`;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** No more than this many values come of a JSON text, and each takes much more memory than its byte or two. */
function countValues(bytes: Uint8Array): number {
  const [comma, bracket, brace] = [0x2c, 0x5b, 0x7b];
  let count = 1;
  for (const byte of bytes) if (byte === comma || byte === bracket || byte === brace) count += 1;
  return count;
}

function failure(code: string): Response {
  switch (code) {
    case tooLarge:
      return badAnswer(tooLargeText);
    case 'ENOENT':
    case 'ECONNREFUSED':
      return refusal(503, 'COUNTERSIGN_UNREACHABLE', 'the gateway does not answer; it may be starting');
    default:
      return refusal(504, 'COUNTERSIGN_UNREACHABLE', 'the homeserver does not answer in time, or broke off');
  }
}

function badAnswer(error: string): Response {
  return refusal(502, 'COUNTERSIGN_BAD_ANSWER', error);
}

function refusal(status: number, errcode: DoorError['errcode'], error: string): Response {
  return Response.json({ errcode, error } satisfies DoorError, { status });
}
