import type { SandboxPool } from './pool.ts';
import type { Slot } from './slot.ts';

/** Why a sandbox will not come back, in words; null while it may, and while nothing is known of it. */
export async function whyLost(pool: Pick<SandboxPool, 'sandboxes'>, slot: Slot): Promise<string | null> {
  try {
    const sandbox = (await pool.sandboxes()).find((candidate) => candidate.id === slot.id);
    if (sandbox === undefined) return 'the sandbox is gone';
    if (sandbox.state !== 'ended') return null;
    return sandbox.out_of_memory
      ? 'the sandbox ran out of memory'
      : `the sandbox ended with exit code ${sandbox.exit_code ?? 'unknown'}`;
  } catch {
    // Without the launcher nothing is known; the sandbox may well be at work.
    return null;
  }
}
