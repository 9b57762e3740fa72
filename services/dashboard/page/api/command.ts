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

/** Sends a person's decision and watches what becomes of it. A tap while one is under way is nothing. */
export function useCommand(onDecided?: () => void): {
  readonly state: Signal<CommandState>;
  readonly send: (request: Decision) => void;
  readonly clear: () => void;
} {
  const state = useSignal<CommandState>({ status: 'idle' });
  const over = useRef(new AbortController());
  useEffect(() => {
    if (over.current.signal.aborted) over.current = new AbortController();
    return () => over.current.abort();
  }, []);

  const send = (request: Decision): void => {
    if (state.value.status === 'sending' || state.value.status === 'sent') return;
    state.value = { status: 'sending' };
    void carryOut(request, state, over.current.signal).then(() => {
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

async function carryOut(request: Decision, state: Signal<CommandState>, signal: AbortSignal): Promise<void> {
  const key = crypto.randomUUID();
  try {
    let answer = await sendOnce(request, key);
    let waitMs = pollMs.first;
    while (answer.verdict === 'waiting' && !signal.aborted) {
      state.value = { status: 'sent', message: answer.message };
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(waitMs * 1.5, pollMs.longest);
      answer = await verdictOf(answer);
    }
    if (!signal.aborted && answer.verdict !== 'waiting')
      state.value = { status: answer.verdict, message: answer.message };
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof RequestFailure ? error : null;
    const message = failure?.message ?? 'The page could not send this.';
    state.value =
      failure?.problem?.error === 'stale'
        ? { status: 'stale', message, task: failure.problem.task ?? null }
        : { status: 'failed', message };
  }
}

/** Once more where there was no answer: the key makes both the same tap. */
async function sendOnce(request: Decision, key: string): Promise<CommandAnswer> {
  const { path, body } = addressed(request);
  try {
    return await post<CommandAnswer>(path, body, key);
  } catch (error) {
    if (!(error instanceof RequestFailure) || error.status !== 0) throw error;
    return post<CommandAnswer>(path, body, key);
  }
}

function addressed(request: Decision): { readonly path: string; readonly body: unknown } {
  if (request.kind !== 'answer') return { path: '/api/commands', body: request };
  const { kind: _, task, ...body } = request;
  return { path: `/api/tasks/${encodeURIComponent(task)}/answer`, body };
}

/** A server that is away for a moment leaves the verdict open. */
async function verdictOf(answer: CommandAnswer): Promise<CommandAnswer> {
  try {
    return await get<CommandAnswer>(`/api/commands/${encodeURIComponent(answer.id)}`);
  } catch (error) {
    if (error instanceof RequestFailure && (error.status === 0 || error.status >= 500)) return answer;
    throw error;
  }
}
