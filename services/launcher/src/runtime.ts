import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';

/** The runtimes that an engine has registered, each with its arguments. */
export type Runtimes = ReadonlyMap<string, readonly string[]>;

export type RuntimeChoice =
  | { readonly ok: true; readonly runtime: 'runc' | 'runsc'; readonly reason: string }
  | { readonly ok: false; readonly reason: string };

/** Without it gVisor lets no sandbox reach a socket of its slot. */
const slotSocketsArgument = '--host-uds=all';

/**
 * Which runtime a sandbox gets. `auto` prefers gVisor and says why it does not take it; a runtime that is asked for by name is
 * never replaced by another.
 */
export function chooseRuntime(wanted: SandboxProfile['runtime'], runtimes: Runtimes): RuntimeChoice {
  const gvisor = runtimes.get('runsc');
  const usable = gvisor?.includes(slotSocketsArgument) ?? false;
  const gap =
    gvisor === undefined
      ? 'the engine has no gVisor (runsc) registered'
      : `the engine's gVisor (runsc) is registered without ${slotSocketsArgument}`;
  switch (wanted) {
    case 'runc':
      return runtimes.has('runc')
        ? { ok: true, runtime: 'runc', reason: 'the profile asks for runc' }
        : { ok: false, reason: 'the engine has no runc registered' };
    case 'runsc':
      return usable
        ? { ok: true, runtime: 'runsc', reason: 'the profile asks for gVisor' }
        : { ok: false, reason: gap };
    case 'auto':
      if (usable) return { ok: true, runtime: 'runsc', reason: 'the engine has gVisor' };
      return runtimes.has('runc')
        ? { ok: true, runtime: 'runc', reason: gap }
        : { ok: false, reason: `${gap}, and no runc` };
  }
}
