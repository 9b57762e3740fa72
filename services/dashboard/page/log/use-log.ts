import type { LogLines } from '@countersign/contracts/page-api.ts';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, RequestFailure } from '../api/client.ts';
import { followLog, onBatch, onRenewal } from '../api/stream.ts';
import { emptyWindow, type LogWindow, reachesEnd, replaced, withNewer, withOlder } from './log-window.ts';

export type Log = {
  readonly window: LogWindow;
  readonly problem: string;
  readonly loading: boolean;
  readonly older: () => Promise<boolean>;
  readonly newer: () => Promise<void>;
  /** Shows what is at a place, in bytes; null shows the end. */
  readonly jump: (place: number | null) => Promise<void>;
};

/** A window on a service's log: its end as it grows, and any other place in it on demand. */
export function useLog(service: string): Log {
  const [window, setWindow] = useState<LogWindow>(emptyWindow);
  const [problem, setProblem] = useState('');
  const [loading, setLoading] = useState(false);
  const current = useRef(window);
  const busy = useRef(false);
  const epoch = useRef(0);
  const path = `/api/logs/${encodeURIComponent(service)}`;

  const show = (next: LogWindow): void => {
    current.current = next;
    setWindow(next);
  };
  const ask = async (query: string, place: (answer: LogLines) => LogWindow, byItself = false): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    setLoading(true);
    const asked = epoch.current;
    try {
      const answer = await get<LogLines>(`${path}${query}`, { byItself });
      if (asked !== epoch.current) return false;
      show(place(answer));
      setProblem('');
      return answer.lines.length > 0;
    } catch (error) {
      if (asked === epoch.current) setProblem(error instanceof RequestFailure ? error.message : 'It cannot be shown.');
      return false;
    } finally {
      busy.current = false;
      setLoading(false);
    }
  };

  useEffect(() => {
    epoch.current += 1;
    busy.current = false;
    show(emptyWindow);
    followLog(service);
    void ask('', replaced);
    const endBatches = onBatch((batch) => {
      const lines = batch.log.filter((line) => line.service === service);
      const last = lines.at(-1);
      if (last === undefined) return;
      const to = last.at + new TextEncoder().encode(last.text).length + 1;
      const known = current.current;
      // New lines belong here only where the window ends at the end; elsewhere they are read when one gets there.
      show(reachesEnd(known) ? withNewer(known, { lines, to, next: to }) : { ...known, to, shifted: 0 });
    });
    const endRenewals = onRenewal(() => void ask('', replaced, true));
    return () => {
      endBatches();
      endRenewals();
      followLog(null);
    };
  }, [service]);

  return {
    window,
    problem,
    loading,
    older: async () => {
      const [first] = current.current.lines;
      if (first === undefined || first.at <= current.current.from) return false;
      return ask(`?before=${first.at}`, (answer) => withOlder(current.current, answer));
    },
    newer: async () => {
      const last = current.current.lines.at(-1);
      if (last === undefined || reachesEnd(current.current)) return;
      await ask(`?after=${current.current.next}`, (answer) => withNewer(current.current, answer));
    },
    jump: async (place) => {
      await ask(place === null ? '' : `?after=${Math.round(place)}`, replaced);
    },
  };
}
