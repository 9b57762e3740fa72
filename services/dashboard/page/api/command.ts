import type { CommandAnswer, Decision, TaskDetail } from '@countersign/contracts/page-api.ts';
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { get, post, RequestFailure } from './client.ts';

/** Of one tap: what is known of what came of it. */
export type CommandState =
  | { readonly status: 'idle' }
  | { readonly status: 'sending' }
  /** It lies in the spool, signed; who decides has not read it yet. */
  | { readonly status: 'sent'; readonly message: string }
  | { readonly status: 'accepted'; readonly message: string }
  | { readonly status: 'refused'; readonly message: string }
  /** What was seen is not what there is now. */
  | { readonly status: 'stale'; readonly message: string; readonly task: TaskDetail | null }
  | { readonly status: 'failed'; readonly message: string };

const pollMs = { first: 150, longest: 2_000 };
/** Of one tap that nobody answers: about seven seconds. */
const retries = 8;
const unansweredWords = 'No answer came: it may have been sent. Tapping again sends the same.';

/** What was sent, and the key that makes it the same tap however often it is sent. */
type Tap = { readonly request: string; readonly key: string };

/**
 * Sends a person's decision and watches what becomes of it. A tap while one is under way is nothing; one after a tap whose answer
 * never came is that same tap, for that one may have been carried out.
 */
export function useCommand(onDecided?: () => void): {
  readonly state: Signal<CommandState>;
  readonly send: (request: Decision) => void;
  readonly clear: () => void;
} {
  const state = useSignal<CommandState>({ status: 'idle' });
  const over = useRef(new AbortController());
  const unanswered = useRef<Tap | null>(null);
  useEffect(() => {
    if (over.current.signal.aborted) over.current = new AbortController();
    return () => over.current.abort();
  }, []);

  const send = (request: Decision): void => {
    if (state.value.status === 'sending' || state.value.status === 'sent') return;
    state.value = { status: 'sending' };
    const tap = tapOf(request, unanswered.current);
    void carryOut(request, tap.key, state, over.current.signal).then((isAnswered) => {
      unanswered.current = isAnswered ? null : tap;
      if (!over.current.signal.aborted) onDecided?.();
    });
  };
  return {
    state,
    send,
    clear: () => {
      state.value = { status: 'idle' };
    },
  };
}

/** A code that was typed anew makes no other decision of it. */
function tapOf(request: Decision, unanswered: Tap | null): Tap {
  const text = JSON.stringify(request, (name, value: unknown) => (name === 'code' ? undefined : value));
  return unanswered?.request === text ? unanswered : { request: text, key: crypto.randomUUID() };
}

/** Whether it is known what came of it. */
async function carryOut(
  request: Decision,
  key: string,
  state: Signal<CommandState>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    let answer = await sent(request, key, signal);
    let waitMs = pollMs.first;
    while (answer.verdict === 'waiting' && !signal.aborted) {
      state.value = { status: 'sent', message: answer.message };
      await sleep(waitMs);
      waitMs = longer(waitMs);
      answer = await verdictOf(answer);
    }
    if (!signal.aborted && answer.verdict !== 'waiting')
      state.value = { status: answer.verdict, message: answer.message };
    return true;
  } catch (error) {
    const isAnswered = !isUnanswered(error);
    if (signal.aborted) return isAnswered;
    const failure = error instanceof RequestFailure ? error : null;
    const message = isAnswered ? (failure?.message ?? 'The page could not send this.') : unansweredWords;
    state.value =
      failure?.problem?.error === 'stale'
        ? { status: 'stale', message, task: failure.problem.task ?? null }
        : { status: 'failed', message };
    return isAnswered;
  }
}

/** Sent again where there was no answer: the key makes all of them the same tap. */
async function sent(request: Decision, key: string, signal: AbortSignal): Promise<CommandAnswer> {
  const { path, body } = addressed(request);
  let waitMs = pollMs.first;
  for (let left = retries; ; left -= 1) {
    try {
      return await post<CommandAnswer>(path, body, key);
    } catch (error) {
      if (!isUnanswered(error) || left === 0 || signal.aborted) throw error;
    }
    await sleep(waitMs);
    waitMs = longer(waitMs);
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof RequestFailure && error.status === 0;
}

function longer(waitMs: number): number {
  return Math.min(waitMs * 1.5, pollMs.longest);
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

function addressed(request: Decision): { readonly path: string; readonly body: unknown } {
  if (request.kind !== 'answer') return { path: '/api/commands', body: request };
  const { kind: _, task, ...body } = request;
  return { path: `/api/tasks/${encodeURIComponent(task)}/answer`, body };
}

/** A server that is away for a moment leaves the verdict open. */
async function verdictOf(answer: CommandAnswer): Promise<CommandAnswer> {
  try {
    return await get<CommandAnswer>(`/api/commands/${encodeURIComponent(answer.id)}`, { byItself: true });
  } catch (error) {
    if (error instanceof RequestFailure && (error.status === 0 || error.status >= 500)) return answer;
    throw error;
  }
}
