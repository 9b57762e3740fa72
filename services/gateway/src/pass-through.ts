import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Limits } from './limits.ts';
import { TailMeter } from './tail-meter.ts';

export type Passed = {
  readonly ended: 'passed' | 'client' | 'upstream';
  readonly bytes: number;
  readonly tokens: { prompt: number; completion: number };
};

/**
 * Hands an upstream answer on as it comes, one chunk at a time and never faster than the client takes it. Of its headers only the
 * content type goes on. An answer that breaks off upstream breaks off for the client, so that neither takes it for whole.
 * @param signal aborted when the client has gone
 */
export async function passThrough(
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
  limits: Limits,
  signal: AbortSignal,
): Promise<Passed> {
  const meter = new TailMeter(limits.tailBytes);
  const contentType = answer.headers['content-type'];
  response.writeHead(answer.statusCode, {
    connection: 'close',
    ...(typeof contentType === 'string' ? { 'content-type': contentType } : {}),
  });
  response.flushHeaders();
  let bytes = 0;
  try {
    for await (const chunk of answer.body) {
      meter.push(chunk);
      bytes += chunk.length;
      if (!response.write(chunk)) await drained(response, limits.clientStallMs, signal);
    }
    response.end();
    return { ended: 'passed', bytes, tokens: meter.counts() };
  } catch (error) {
    response.destroy();
    const byClient = signal.aborted || error instanceof ClientStalled;
    return { ended: byClient ? 'client' : 'upstream', bytes, tokens: meter.counts() };
  }
}

class ClientStalled extends Error {}

async function drained(response: ServerResponse, stallMs: number, signal: AbortSignal): Promise<void> {
  const stalled = AbortSignal.timeout(stallMs);
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, stalled]) });
  } catch (cause) {
    throw stalled.aborted ? new ClientStalled('the client takes nothing', { cause }) : cause;
  }
}
