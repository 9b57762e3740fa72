import { z } from 'zod';
import { Sha256, Timestamp, WorkspaceName } from './names.ts';
import { versioned } from './versioned.ts';

/** Of an archive of a house, as this version writes it. */
export const houseFormat = 1;

/** How the passphrase becomes the key, and what the key does. No choice is left to whoever wrote an archive. */
const Seal = z.strictObject({
  key: z.literal('scrypt-131072-8-1'),
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  cipher: z.literal('aes-256-gcm'),
});

/** A workspace of the house, and what of it a task that has not ended needs. */
export const HouseWorkspace = z.strictObject({
  name: WorkspaceName,
  /** Tasks that start from a commit of it, or whose result lies in it. */
  needed_by: z.array(z.string().max(64)).max(1_000),
});
export type HouseWorkspace = z.infer<typeof HouseWorkspace>;

const Manifest1 = z.strictObject({
  version: z.literal(houseFormat),
  product: z.literal('countersign'),
  product_version: z.string().max(64),
  /** Of `home.ts`, as the house was when it was exported. */
  home_format: z.int().positive(),
  home: z.uuid(),
  created_at: Timestamp,
  /** Of the machine that it was exported on; nothing in an archive depends on it. */
  architecture: z.string().max(32),
  with_workspaces: z.boolean(),
  workspaces: z.array(HouseWorkspace).max(10_000),
  /** How many tasks there are in each state. */
  tasks: z.record(z.string().max(32), z.int().nonnegative()),
  seal: Seal,
});

/** What stands in clear at the beginning of an archive: enough to say what it is. It is bound to everything behind it. */
export const HouseManifest = versioned(Manifest1, houseFormat, {});
export type HouseManifest = z.infer<typeof Manifest1>;

/** Where notes for the runner lie, below `runs/`: it alone writes journals, so it turns them into events. */
export const houseNotes = '.house';

/** `runs/.house/<id>.json`: what was done to the whole house while the runner was not at work. */
export const HouseNote = z.discriminatedUnion('kind', [
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('exported'),
    id: z.string().regex(/^[0-9a-f]{32}$/),
    at: Timestamp,
    archive: Sha256,
    with_workspaces: z.boolean(),
    /** The house went on elsewhere: this one is not to work any more. */
    left: z.boolean(),
  }),
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('imported'),
    id: z.string().regex(/^[0-9a-f]{32}$/),
    at: Timestamp,
    archive: Sha256,
    home: z.uuid(),
    exported_at: Timestamp,
    product_version: z.string().max(64),
    with_workspaces: z.boolean(),
  }),
]);
export type HouseNote = z.infer<typeof HouseNote>;

/** In the operator's folder: this house was moved elsewhere, and nothing of it starts here until that is taken back. */
export const movedFile = '.countersign.moved.json';
export const MovedMark = z.strictObject({ version: z.literal(1), at: Timestamp, archive: Sha256 });
export type MovedMark = z.infer<typeof MovedMark>;

/** In the operator's folder while an import is under way: what is not yet in its place, and how far it has come. */
export const importFolder = '.countersign-import';
export const ImportPlan = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  archive: Sha256,
  /** `unpacking`: nothing was changed. `clearing`, `placing`: it is gone on with, never back. */
  phase: z.enum(['unpacking', 'clearing', 'placing']),
});
export type ImportPlan = z.infer<typeof ImportPlan>;
