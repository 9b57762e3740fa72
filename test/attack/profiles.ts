import Docker from 'dockerode';
import { z } from 'zod';

/** A kernel that sandboxes run on, and the engine's name for it. */
export type Profile = { readonly name: 'runc' | 'gVisor'; readonly runtime: string };

/** The second is what `scripts/test` registers: a name that no launcher takes for a sandbox of its own. */
const namesOfGvisor = ['runsc', 'countersign-gvisor'];

const { Runtimes: registered } = z
  .object({ Runtimes: z.record(z.string(), z.unknown()) })
  .parse(await new Docker().info());
const runtime = namesOfGvisor.find((name) => name in registered);

/** The host's own kernel, and gVisor where the engine has it registered. */
export const profiles: readonly Profile[] = [
  { name: 'runc', runtime: 'runc' },
  ...(runtime === undefined ? [] : [{ name: 'gVisor', runtime } as const]),
];
