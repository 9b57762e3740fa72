import { ExclusiveLock } from '../exclusive-lock.ts';

/** What the process is asked: a lock to try for, to let go of what it has, or to stand still with it. */
export type LockRequest =
  | { readonly kind: 'take'; readonly path: string; readonly waitMs: number }
  | { readonly kind: 'release' }
  | { readonly kind: 'stall'; readonly milliseconds: number };

let held: ExclusiveLock | null = null;

process.on('message', (request: LockRequest) => {
  void answer(request).then((text) => process.send?.(text));
});
process.send?.('ready');

async function answer(request: LockRequest): Promise<string> {
  if (request.kind === 'release') {
    await held?.[Symbol.asyncDispose]();
    held = null;
    return 'released';
  }
  if (request.kind === 'stall') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, request.milliseconds);
    return 'stalled';
  }
  const attempt = await ExclusiveLock.take(request.path, request.waitMs);
  if (!attempt.ok) return `held by ${attempt.holder?.pid ?? 'nobody known'}`;
  held = attempt.lock;
  return 'taken';
}
