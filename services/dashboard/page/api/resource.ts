import type { StreamBatch } from '@countersign/contracts/page-api.ts';
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { get, RequestFailure } from './client.ts';
import { onBatch, onRenewal } from './stream.ts';

export type Resource<T> = {
  readonly data: Signal<T | null>;
  readonly problem: Signal<RequestFailure | null>;
  /** Asks again, however fresh it is. */
  readonly refresh: () => void;
};

/** What was shown last, so that going back shows it at once. */
const remembered = new Map<string, unknown>();
const rememberedMost = 40;

/** Forgets what was shown, for it was another session's. */
export function forgetResources(): void {
  remembered.clear();
}

type Pace = {
  /** It is asked again this often as well, while somebody looks. */
  readonly everyMs?: number;
  /** So long after the first batch that concerns it, for all that come meanwhile. */
  readonly restMs?: number;
};

/**
 * What a GET answers, asked again when a batch of the stream concerns it and after the stream was lost. While one question is
 * under way a second one waits, and any more are that second one. The last answer stays while a newer one is fetched.
 * @param path null asks nothing
 */
export function useResource<T>(
  path: string | null,
  concerns?: (batch: StreamBatch) => boolean,
  { everyMs, restMs = 0 }: Pace = {},
): Resource<T> {
  const data = useSignal<T | null>(path === null ? null : ((remembered.get(path) as T | undefined) ?? null));
  const problem = useSignal<RequestFailure | null>(null);
  const concern = useRef(concerns);
  concern.current = concerns;
  const refresh = useRef(() => {});

  useEffect(() => {
    if (path === null) return;
    const aborter = new AbortController();
    data.value = (remembered.get(path) as T | undefined) ?? null;
    problem.value = null;
    let underWay = false;
    let again = false;
    let resting: ReturnType<typeof setTimeout> | undefined;
    const ask = async (byItself: boolean): Promise<void> => {
      if (underWay) {
        again = true;
        return;
      }
      underWay = true;
      try {
        const answer = await get<T>(path, { signal: aborter.signal, byItself });
        if (aborter.signal.aborted) return;
        remember(path, answer);
        data.value = answer;
        problem.value = null;
      } catch (error) {
        if (!aborter.signal.aborted && error instanceof RequestFailure) problem.value = error;
      } finally {
        underWay = false;
        if (again && !aborter.signal.aborted) {
          again = false;
          void ask(true);
        }
      }
    };
    refresh.current = () => void ask(false);
    const endBatches = onBatch((batch) => {
      if (resting !== undefined || !concern.current?.(batch)) return;
      if (restMs === 0) return void ask(true);
      resting = setTimeout(() => {
        resting = undefined;
        void ask(true);
      }, restMs);
    });
    const endRenewals = onRenewal(() => void ask(true));
    const interval = everyMs === undefined ? undefined : setInterval(() => !document.hidden && void ask(true), everyMs);
    void ask(false);
    return () => {
      aborter.abort();
      clearTimeout(resting);
      clearInterval(interval);
      endBatches();
      endRenewals();
    };
  }, [path, data, problem, everyMs, restMs]);

  return { data, problem, refresh: () => refresh.current() };
}

function remember(path: string, answer: unknown): void {
  remembered.delete(path);
  remembered.set(path, answer);
  const [oldest] = remembered.keys();
  if (remembered.size > rememberedMost && oldest !== undefined) remembered.delete(oldest);
}
