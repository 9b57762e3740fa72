import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { signedFields, User } from './command.ts';
import { Timestamp } from './names.ts';
import { isSignedBy, Signature, signatureOf } from './signature.ts';

/**
 * The launcher's HTTP API on its services socket, which is not its control socket: whoever may ask for sandboxes may not stop services,
 * and the other way round. Two services of the launcher's own stack can be looked at, started and stopped; nothing else is
 * answered, and nothing but a signed order changes anything.
 *
 * - `GET /services/:name` → 200 ServiceContainer, 404/409/503 ServiceRefusal
 * - `POST /orders` ServiceOrder → 200 ServiceContainer as it is afterwards, 403/404/409/422/429/503 ServiceRefusal
 *
 * An order is taken once, and stays good for a minute at most. One that was signed before the launcher started is refused, for
 * nobody knows any more whether it was taken.
 */
export const ControlledService = z.enum(['runner', 'matrix-listener']);
export type ControlledService = z.infer<typeof ControlledService>;

export const serviceOrderLimits = {
  /** From `issued_at` to `expires_at`. */
  lifetimeMs: 60_000,
} as const;

const unsigned = z.strictObject({
  ...signedFields,
  kind: z.enum(['service_start', 'service_stop']),
  subject: z.strictObject({ service: ControlledService }),
  actor: z.strictObject({ channel: z.literal('dashboard'), user: User }),
});

/** What a person asks the launcher to do, before it is signed. */
export type UnsignedServiceOrder = z.infer<typeof unsigned>;
export const ServiceOrder = unsigned.extend({ signature: Signature });
export type ServiceOrder = z.infer<typeof ServiceOrder>;

/** Signs with Ed25519 over the canonical JSON of everything but the signature. */
export function signServiceOrder(order: UnsignedServiceOrder, key: KeyObject): ServiceOrder {
  return ServiceOrder.parse({ ...order, signature: signatureOf(order, key) });
}

export function isOrderSignedBy({ signature, ...order }: ServiceOrder, key: KeyObject): boolean {
  return isSignedBy(order, signature, key);
}

/** What is told of a service's container, and no more. */
export const ServiceContainer = z.strictObject({
  /** In the engine's words: `running`, `restarting`, `exited`, … */
  state: z.string(),
  /** Of the last start; null before the first. */
  started_at: Timestamp.nullable(),
  restarts: z.int().nonnegative(),
  image: z.string(),
});
export type ServiceContainer = z.infer<typeof ServiceContainer>;

/** Why a request was refused; `code` is for programs, `message` for people. */
export const ServiceRefusal = z.strictObject({
  code: z.enum([
    'bad-request',
    'no-such-service',
    'unknown-key',
    'bad-signature',
    'expired',
    'taken-already',
    'too-many-orders',
    'several-containers',
    'engine-down',
    'internal',
  ]),
  message: z.string(),
});
export type ServiceRefusal = z.infer<typeof ServiceRefusal>;
