import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerOutcome } from '@countersign/contracts/question.ts';
import { answerKey, type QuestionContent, taskRoom } from '@countersign/contracts/task-room.ts';
import { z } from 'zod';
import type { QuestionWaits } from './limits.ts';

/** What a tool wants to know. */
export type Asking = NonNullable<QuestionContent['org.countersign.question']> & { readonly text: string };

/** How asking came to its end. */
export type Asked =
  /** By a person, or by the default. */
  | { readonly status: 'answered'; readonly outcome: 'answered' | 'default'; readonly text: string }
  /** Nobody answered, and there was no default: this attempt is being stopped. */
  | { readonly status: 'unanswered' }
  | { readonly status: 'not-asked'; readonly reason: string };

type AskOptions = { readonly origin: string; readonly waits: QuestionWaits; readonly signal: AbortSignal };

const Sent = z.object({ event_id: z.string() });
const Refused = z.object({ errcode: z.string(), error: z.string() });
const Event = z.object({
  content: z.object({
    body: z.string(),
    [answerKey]: z.object({ question: z.string(), outcome: AnswerOutcome }).optional(),
  }),
});
const Synced = z.object({
  next_batch: z.string(),
  rooms: z.object({ join: z.record(z.string(), z.object({ timeline: z.object({ events: z.array(Event) }) })) }),
});

/** Neither an answer nor a refusal: it is tried again. */
class TryAgain extends Error {
  readonly code = 'try-again';
}

/**
 * Asks a person, by the task's own Matrix, and waits for the answer. A question that is sent again after a failure is the same
 * one. @throws the signal's reason
 */
export async function askPerson({ text, ...own }: Asking, options: AskOptions): Promise<Asked> {
  const { waits, signal } = options;
  const content: QuestionContent = { msgtype: 'm.text', body: text, 'org.countersign.question': own };
  const path = `/rooms/${encodeURIComponent(taskRoom)}/send/m.room.message/${randomBytes(12).toString('hex')}`;
  const sent = await persist(waits.askMs, options, () => request('PUT', path, Sent, options, content));
  if (sent === null) return { status: 'not-asked', reason: 'nobody took the question' };
  if ('errcode' in sent) return { status: 'not-asked', reason: sent.error };
  let since = 's0';
  const until = performance.now() + waits.answerMs;
  while (performance.now() < until) {
    signal.throwIfAborted();
    const query = `/sync?since=${since}&timeout=${waits.syncMs}`;
    const synced = await persist(until - performance.now(), options, () => request('GET', query, Synced, options));
    if (synced === null || 'errcode' in synced) return { status: 'unanswered' };
    const answer = answerIn(synced, sent.event_id);
    if (answer !== null) return answer;
    since = synced.next_batch;
  }
  return { status: 'unanswered' };
}

function answerIn({ rooms }: z.infer<typeof Synced>, question: string): Asked | null {
  for (const { content } of rooms.join[taskRoom]?.timeline.events ?? []) {
    const facts = content[answerKey];
    if (facts?.question !== question) continue;
    const { outcome } = facts;
    if (outcome === 'answered' || outcome === 'default') return { status: 'answered', outcome, text: content.body };
    return { status: 'unanswered' };
  }
  return null;
}

/** Tries again what failed in passing; null when it still does after so long. */
async function persist<T>(mostMs: number, { waits, signal }: AskOptions, attempt: () => Promise<T>): Promise<T | null> {
  const until = performance.now() + mostMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TryAgain)) throw error;
      if (performance.now() + waits.retryMs >= until) return null;
      await sleep(waits.retryMs, undefined, { signal });
    }
  }
}

async function request<Schema extends z.ZodType>(
  method: 'GET' | 'PUT',
  path: string,
  schema: Schema,
  { origin, waits, signal }: AskOptions,
  body?: unknown,
): Promise<z.output<Schema> | z.infer<typeof Refused>> {
  const { status, text } = await send(new URL(`/_matrix/client/v3${path}`, origin), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(waits.requestMs)]),
  });
  // Of a question that may be sent again as it is, and of a gateway that is being restarted.
  if (status >= 500) throw new TryAgain(`answered ${status}`);
  const parsed = (status === 200 ? schema : Refused).safeParse(parseJson(text));
  if (!parsed.success) throw new TryAgain('not understood');
  return parsed.data as z.output<Schema> | z.infer<typeof Refused>;
}

async function send(url: URL, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new TryAgain('no answer', { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
