import type { Life } from './life.ts';

/** A call of a dead process: it does not return. */
function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

/** An error as the file system gives it. */
export function systemError(code: string, name: string, path: string): Error {
  return Object.assign(new Error(`${code}: made by a test, ${name} '${path}'`), { code, syscall: name, path });
}

export type Call<T> = {
  readonly name: string;
  readonly path: string;
  readonly changes: boolean;
  readonly act: () => Promise<T>;
  /** Does a part of it only, for what can be torn. */
  readonly tear?: () => Promise<unknown>;
  /** The system does less than it was asked for, and says so. */
  readonly short?: () => Promise<T>;
  /** What is done of a call that fails all the same. */
  readonly fail?: () => Promise<unknown>;
};

/** One step of a life: done, failed, or the last one. */
export async function perform<T>(life: Life, call: Call<T>): Promise<T> {
  if (life.isDead) return never();
  const { step, fate } = life.reach(call.name, call.path, call.changes);
  try {
    if (fate === null) return await life.underWay(call.act);
    switch (fate.kind) {
      case 'stop':
        return await life.underWay(call.act);
      case 'short':
        return await life.underWay(call.short ?? call.act);
      case 'error':
        if (call.fail !== undefined) await life.underWay(call.fail);
        throw systemError(fate.code, call.name, call.path);
      case 'death':
        if (fate.moment === 'torn') await life.underWay(async () => call.tear?.());
        if (fate.moment === 'after') await life.underWay(call.act).catch(() => undefined);
        life.die(step);
    }
    return await never();
  } finally {
    // Whatever came of it, nobody is there any more to hear of it.
    if (life.isDead) await never();
  }
}
