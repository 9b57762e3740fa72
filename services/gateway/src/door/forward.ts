import type { ServerResponse } from 'node:http';
import { attachedFileType } from '@countersign/contracts/attached-file.ts';
import type { Dispatcher } from 'undici';
import { passThrough } from '../pass-through.ts';
import { answerRefusal } from '../refusal.ts';
import { UpstreamError } from '../upstream.ts';
import type { Admitted } from './decide.ts';
import type { DoorContext } from './handle-door-request.ts';
import { type DoorRefusal, doorErrorBody } from './refusal.ts';

/** What of the homeserver's headers the listener is told. */
const passedHeaders = ['content-type', 'retry-after'];

/**
 * Sends one request on and hands its answer back, all of it within the route's time: an answer that drips, or grows too large, is
 * cut. @throws what is no UpstreamError
 */
export async function forwardToHomeserver(
  { homeserver, limits, log }: DoorContext,
  { route, path, authorization, holdMs }: Admitted,
  body: Buffer | null,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const client = new AbortController();
  const leave = () => client.abort();
  response.once('close', leave);
  if (response.destroyed) return;
  const limitMs = limits.doorAnswerMs + holdMs;
  const late = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([client.signal, late]);
  const headers = authorization === null ? {} : { authorization };
  try {
    const asked = { method: route.method, path, body, headers };
    const theirs = await homeserver.request(
      route.body === 'text' ? { ...asked, type: attachedFileType } : asked,
      signal,
    );
    refuseTooLarge(theirs, limits.doorAnswerBytes);
    const { doorAnswerBytes: maximumBytes, clientStallMs } = limits;
    const passing = { headers: passedHeaders, maximumBytes, clientStallMs };
    const { ended, bytes } = await passThrough(theirs, response, passing, client.signal);
    const duration_ms = elapsed(startedAt);
    log.ended(route, { ended, status: theirs.statusCode, bytes_in: body?.length ?? 0, bytes_out: bytes, duration_ms });
  } catch (error) {
    // The listener gave up: nobody is left to be answered.
    if (client.signal.aborted) return;
    const refusal = late.aborted ? tooLate(limitMs, homeserver.origin) : refusalOf(error, homeserver.origin);
    log.unanswered(route, refusal, elapsed(startedAt));
    answerRefusal(response, refusal.status, doorErrorBody(refusal));
  } finally {
    response.off('close', leave);
  }
}

function refuseTooLarge({ headers, body }: Dispatcher.ResponseData, maximumBytes: number): void {
  if (!(Number(headers['content-length']) > maximumBytes)) return;
  body.on('error', () => undefined).destroy();
  throw new UpstreamError('bad-answer', `the homeserver answered more than ${maximumBytes} bytes`);
}

/** What the listener is told, who may know where the homeserver is: the operator reads it in the status. */
function refusalOf(error: unknown, origin: string): DoorRefusal {
  if (!(error instanceof UpstreamError)) throw error;
  switch (error.code) {
    case 'refused-address':
    case 'unresolved':
      return { status: 503, errcode: 'COUNTERSIGN_ADDRESS', reason: error.message };
    case 'unreachable':
      return { status: 503, errcode: 'COUNTERSIGN_UNREACHABLE', reason: `${error.message}: ${origin}` };
    case 'timeout':
      return { status: 504, errcode: 'COUNTERSIGN_UNREACHABLE', reason: `${error.message}: ${origin}` };
    case 'bad-answer':
      return { status: 502, errcode: 'COUNTERSIGN_BAD_ANSWER', reason: `${error.message}: ${origin}` };
  }
}

function tooLate(limitMs: number, origin: string): DoorRefusal {
  const reason = `the homeserver did not answer within ${limitMs / 1000} s: ${origin}`;
  return { status: 504, errcode: 'COUNTERSIGN_UNREACHABLE', reason };
}

function elapsed(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
