import { z } from 'zod';
import { Sha256, SlotId, Timestamp, WorkspaceName } from './names.ts';

/**
 * The launcher's HTTP API on its control socket. The vocabulary is closed: a profile's name, a slot and a workspace's name go in;
 * never an image, a mount, a capability, a device, an environment or a command.
 *
 * A workspace's name is no image's: where the operator built an image for that workspace (`scripts/countersign image`) and it
 * is fit, it takes the place of the profile's own; where there is none, the profile's own is used. One that is there and unfit
 * is refused with `image-unfit`, because a task that silently ran without its tools would fail for a reason that nobody sees.
 *
 * - `GET /profiles/:name` → 200 Profile, 404/422/503 Refusal
 * - `GET /profiles/:name?workspace=<name>` → the same, as a sandbox for that workspace would be made
 * - `POST /sandboxes` StartSandbox → 201 Sandbox, 404/409/422/503 Refusal
 * - `GET /sandboxes` → 200 SandboxList (of this stack; every state)
 * - `POST /sandboxes/:id/signal` SignalSandbox → 204, 404
 * - `DELETE /sandboxes/:id` → 204 when the container is gone (also when it was not there)
 * - `GET /orders` → 200 ToldOrders: what came over the services socket (`services-api.ts`), for the runner's journal
 * - `GET /health` → 200 LauncherHealth
 */
export const ProfileName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
export type ProfileName = z.infer<typeof ProfileName>;

export const Profile = z.strictObject({
  name: ProfileName,
  /** Whose image it is: the profile's own, or one that the operator built for the workspace that was asked about. */
  toolchain: z.enum(['own', 'workspace']),
  /** The image's id (its content digest), as the engine resolved it. */
  image: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Of the profile's definition as compiled for this engine. */
  definition: Sha256,
  runtime: z.enum(['runc', 'runsc']),
  workspace_bytes: z.int().positive(),
  memory_bytes: z.int().positive(),
  /** How many of it are to wait for a task. */
  warm: z.int().nonnegative(),
});
export type Profile = z.infer<typeof Profile>;

export const StartSandbox = z.strictObject({
  profile: ProfileName,
  slot: SlotId,
  /** Whose image to take where there is one; null for the profile's own. */
  workspace: WorkspaceName.nullable().default(null),
});
export type StartSandbox = z.infer<typeof StartSandbox>;

/** The sandbox's id is the slot's: one slot, one sandbox, once. */
export const Sandbox = z.strictObject({
  id: SlotId,
  profile: ProfileName,
  state: z.enum(['created', 'running', 'ended']),
  image: z.string(),
  runtime: z.string(),
  exit_code: z.int().nullable(),
  out_of_memory: z.boolean(),
  started_at: z.string(),
});
export type Sandbox = z.infer<typeof Sandbox>;

export const SandboxList = z.strictObject({ sandboxes: z.array(Sandbox) });
export const SignalSandbox = z.strictObject({ signal: z.enum(['SIGINT', 'SIGTERM', 'SIGKILL']) });
export type SignalSandbox = z.infer<typeof SignalSandbox>;

/** A signed order and what came of it; the newest ones since the launcher's start, oldest first. */
export const ToldOrder = z.strictObject({
  id: z.string().max(64),
  kind: z.enum(['service_start', 'service_stop']),
  service: z.string().max(64),
  user: z.string().max(255),
  evidence: z.string().max(1_000),
  at: Timestamp,
  done: z.boolean(),
  /** For people: how it stands now, or why it was refused. */
  message: z.string().max(500),
});
export type ToldOrder = z.infer<typeof ToldOrder>;
export const ToldOrders = z.strictObject({ orders: z.array(ToldOrder) });

export const LauncherHealth = z.strictObject({
  status: z.enum(['ok', 'engine-down']),
  reason: z.string(),
  engine: z.string(),
  api: z.string(),
});
export type LauncherHealth = z.infer<typeof LauncherHealth>;

/** Why a request was refused; `code` is for programs, `message` for people. */
export const Refusal = z.strictObject({
  code: z.enum([
    'unknown-profile',
    'slot-taken',
    'no-image',
    'image-unfit',
    'no-such-sandbox',
    'engine-down',
    'not-as-compiled',
    'bad-request',
    'runtime-missing',
    'too-many-sandboxes',
    'internal',
  ]),
  message: z.string(),
});
export type Refusal = z.infer<typeof Refusal>;
