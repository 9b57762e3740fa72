import { z } from 'zod';
import { Timestamp } from './names.ts';

/** `logs/<service>/health.json`: what a service says of itself now; old when the service is not running. */
export const HealthReport = z.strictObject({
  service: z.string(),
  status: z.enum(['ok', 'waiting', 'failing']),
  /** For people; empty when all is well. */
  reason: z.string(),
  /** When the work loop last turned. */
  ts: Timestamp,
  started_at: Timestamp,
  /** Of a service that logs in somewhere: when the file was written whose access was last taken there. */
  access: Timestamp.optional(),
});
export type HealthReport = z.infer<typeof HealthReport>;
