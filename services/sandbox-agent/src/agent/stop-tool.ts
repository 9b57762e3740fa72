import type { Ended, RunningProcess } from '../process.ts';

export type StopWaits = { readonly interruptMs: number; readonly terminateMs: number };

/** Asks a tool to end, more firmly after each wait: SIGINT, SIGTERM, SIGKILL, each to its whole group. */
export async function stopTool(running: RunningProcess, waits: StopWaits): Promise<Ended> {
  for (const [name, waitMs] of [
    ['SIGINT', waits.interruptMs],
    ['SIGTERM', waits.terminateMs],
  ] as const) {
    running.signal(name);
    const ended = await within(running.ended, waitMs);
    if (ended !== undefined) return ended;
  }
  running.signal('SIGKILL');
  return await running.ended;
}

async function within<T>(promise: Promise<T>, waitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
