import { z } from 'zod';

/** Of everything below `volumes/`, as this version writes it. An older one is migrated by `init`, a newer one refused by all. */
export const homeFormat = 2;

/**
 * `.countersign.json` in the operator's folder: whose it is, and what was made there once and is not made again. Where it is
 * missing, another folder, or an empty one, was mounted by mistake.
 */
export const HomeSentinel = z.strictObject({
  version: z.literal(homeFormat),
  /** Tells this home from another one. */
  id: z.uuid(),
  uid: z.int().positive(),
  gid: z.int().positive(),
  /** Example workspaces that were made, or found; one that the operator removes stays away. */
  workspaces: z.array(z.string()),
});
export type HomeSentinel = z.infer<typeof HomeSentinel>;

export const homeSentinelFile = '.countersign.json';
