import { z } from 'zod';
import { Profile } from './launcher-api.ts';
import { Timestamp } from './names.ts';

/** What is tried from inside a sandbox, and has to come to nothing. */
export const ConfinementAspect = z.enum([
  /** Any address, by TCP and UDP; interfaces and routes. */
  'network',
  /** Any name, by the system's resolver and by DNS servers. */
  'names',
  /** Sockets in the file system other than its slot's, and such without a file. */
  'sockets',
  /** Mounts and devices that are not a sandbox's; what the kernel tells of the host. */
  'host-paths',
  /** Rights of any kind, and ways to more of them. */
  'capabilities',
  /** Writing anywhere but in its own folders, and executing from those of them that may not. */
  'writable-root',
]);
export type ConfinementAspect = z.infer<typeof ConfinementAspect>;

/** What came of trying to get out of a sandbox of one profile and image, as it is made now. */
export const ConfinementProof = z.strictObject({
  profile: Profile.shape.name,
  toolchain: Profile.shape.toolchain,
  image: Profile.shape.image,
  runtime: Profile.shape.runtime,
  at: Timestamp,
  /** `leaks`: something that was tried got out. `untried`: not everything could be tried. No task runs in either. */
  status: z.enum(['confined', 'leaks', 'untried']),
  /** Those that did not hold, or could not be tried; none when all held. */
  failed: z.array(ConfinementAspect),
  /** For people: why it could not be tried; empty otherwise. */
  reason: z.string().max(500),
});
export type ConfinementProof = z.infer<typeof ConfinementProof>;

/** The exit codes of one aspect's process; every other one, and none, says that it could not be tried. */
export const confinementExit = { held: 0, leaks: 1 } as const;
