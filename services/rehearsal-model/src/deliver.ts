import { setTimeout } from 'node:timers/promises';
import type { Response } from 'express';
import type { Answer, Decision } from './answer.ts';
import type { Behaviour } from './directives.ts';
import { cutIntoPieces, type Ending, type Wire } from './wire.ts';

export type DeliveryOptions = {
  wire: Wire;
  stream: boolean;
  thinking: string;
  promptTokens: number;
  signal: AbortSignal;
};
type Fate = Behaviour['delivery'];
export type Outcome = 'complete' | 'refused' | 'failed' | 'cut';

const asked = 'a test asked the rehearsal model for this error';

/** The connection broke under a write, which may be noticed before the signal is given. */
export class ClientGoneError extends Error {
  readonly code = 'CLIENT_GONE';
}

/** Writes one frame and waits until the client's side took it, so that a slow reader holds us back. */
async function write(response: Response, frame: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  response.write(frame, (error) => (error ? reject(new ClientGoneError(error.message, { cause: error })) : resolve()));
  await promise.finally(() => signal.removeEventListener('abort', giveUp));
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal });
}

/** JSON that is none any more. */
function garble(json: string): string {
  return json.replaceAll('"', '?');
}

async function cut(response: Response, part: string, signal: AbortSignal): Promise<Outcome> {
  await write(response, part, signal);
  response.destroy();
  return 'cut';
}

async function sendWhole(response: Response, body: string, fate: Fate, signal: AbortSignal): Promise<Outcome> {
  response.type('application/json');
  if (fate === 'cut') {
    response.set('Content-Length', String(Buffer.byteLength(body)));
    return await cut(response, body.slice(0, body.length / 2), signal);
  }
  response.end(fate === 'garbage-stream' ? garble(body) : body);
  return 'complete';
}

async function sendStream(
  response: Response,
  { answer, behaviour }: Decision,
  { wire, thinking, signal }: DeliveryOptions,
  ending: () => Ending,
): Promise<Outcome> {
  const { chunkDelayMs, delivery: fate } = behaviour;
  const { content, call } = answer;
  const frames = wire.frames({ thinking: cutIntoPieces(thinking), content: cutIntoPieces(content), call });
  const middle = Math.floor(frames.length / 2);
  response.status(200).set({ 'Content-Type': wire.contentType, 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  for (const [index, frame] of frames.entries()) {
    if (index === middle && fate === 'cut') return await cut(response, frame.slice(0, frame.length / 2), signal);
    if (index === middle && fate === 'mid-stream-error') {
      response.end(wire.failure(asked));
      return 'failed';
    }
    if (index === middle && fate === 'garbage-stream') await write(response, garble(frame), signal);
    await pause(chunkDelayMs, signal);
    await write(response, frame, signal);
  }
  response.end(wire.ending(ending(), call).join(''));
  return 'complete';
}

/** An answer that ran out of tokens: the first half of its text, and the call is never reached. */
function shorten({ content }: Answer): Answer {
  return { content: content.slice(0, Math.ceil(content.length / 2)), call: undefined };
}

/**
 * Sends an answer, whole or as a stream, as the conversation's directives want it.
 *
 * @throws ClientGoneError or the signal's reason when the client has gone
 */
export async function deliver(response: Response, decision: Decision, options: DeliveryOptions): Promise<Outcome> {
  const { wire, stream, thinking, promptTokens, signal } = options;
  const { chunkDelayMs, delivery: fate, errorStatus, pauseMs } = decision.behaviour;
  const startedAt = performance.now();
  await pause(pauseMs, signal);
  const refused = errorStatus ?? (fate === 'mid-stream-error' && !stream ? 500 : undefined);
  if (refused !== undefined) {
    response.status(refused).json(wire.refusal(refused, `${refused}: ${asked}`));
    return 'refused';
  }
  const answer = fate === 'length' ? shorten(decision.answer) : decision.answer;
  const ending = (): Ending => ({
    reason: fate === 'length' ? 'length' : 'stop',
    promptTokens,
    answerTokens: Math.ceil((thinking + answer.content + JSON.stringify(answer.call ?? '')).length / 4),
    durationNs: Math.max(1, Math.round((performance.now() - startedAt) * 1e6)),
  });
  if (stream) return await sendStream(response, { ...decision, answer }, options, ending);
  await pause(chunkDelayMs, signal);
  return await sendWhole(response, JSON.stringify(wire.whole({ thinking, ...answer }, ending())), fate, signal);
}
