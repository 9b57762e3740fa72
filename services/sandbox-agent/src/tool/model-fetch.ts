import { type IncomingMessage, request } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { ModelError } from './failure.ts';
import { toolLimits } from './limits.ts';

const errorBytes = 4_096;

/**
 * `fetch` for the model's client, without the time limits that are built into the global one: a first word may take minutes.
 * What is not a success is thrown as a ModelError before the client sees it.
 * @param stop ends the request and the stream of its answer
 */
export function modelFetch(stop: AbortSignal): typeof fetch {
  return async (input, init = {}) => {
    const incoming = await exchange(new URL(String(input)), init, stop);
    const status = incoming.statusCode ?? 0;
    if (status < 200 || status > 299) throw await refusal(status, incoming);
    const headers = { 'content-type': incoming.headers['content-type'] ?? '' };
    return new Response(Readable.toWeb(bounded(incoming)) as ReadableStream<Uint8Array>, { status, headers });
  };
}

async function exchange(url: URL, init: RequestInit, stop: AbortSignal): Promise<IncomingMessage> {
  const signal = init.signal ? AbortSignal.any([stop, init.signal]) : stop;
  const headers = (init.headers ?? {}) as Record<string, string>;
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(url, { method: init.method ?? 'GET', headers, signal, agent: false });
      outgoing.once('response', resolve).once('error', reject);
      outgoing.end(typeof init.body === 'string' ? init.body : undefined);
    });
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError('unreachable', `no answer from ${url.origin}: ${reason}`, { cause });
  }
}

/** One answer has an end, whatever the server thinks. */
function bounded(incoming: IncomingMessage): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform(data: Buffer, _, done) {
      bytes += data.length;
      const tooLong = new ModelError('broken', `an answer of more than ${toolLimits.answerBytes * 16} bytes`);
      // A streamed token is wrapped in some hundred bytes of its own.
      if (bytes > toolLimits.answerBytes * 16) done(tooLong);
      else done(null, data);
    },
  });
  incoming.once('error', (error) => counter.destroy(error));
  return incoming.pipe(counter);
}

async function refusal(status: number, incoming: IncomingMessage): Promise<ModelError> {
  let text = '';
  for await (const data of incoming) {
    text += String(data);
    if (text.length > errorBytes) break;
  }
  const message = `${status}: ${wordsOf(text)}`;
  if (status === 404) return new ModelError('missing', message);
  if (status === 429 || status === 502 || status === 503 || status === 504) return new ModelError('busy', message);
  return new ModelError(status >= 500 ? 'broken' : 'refused', message);
}

/** Ollama's errors are `{"error": "…"}`; a proxy's may be anything. */
function wordsOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, errorBytes);
  } catch {
    // Not JSON: shown as it is.
  }
  return text.slice(0, 200) || 'no reason given';
}
