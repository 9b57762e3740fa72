import { z } from 'zod';

/** Scheme, host and port of a server, nothing more; normalised to an origin. */
export const BareOrigin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.href === `${url.origin}/`;
  }, 'scheme, host and port only, such as http://mac-studio:11434')
  .transform((url) => new URL(url).origin);

const count = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'a whole number from 1 to 999')
  .transform(Number);

/** `configs/hosts.env`: the operator's machines. A server that is named here is used instead of the stack's own. */
export const HostsEnv = z.strictObject({
  MACBOOK_HOST: z.string().optional(),
  MACMINI_HOST: z.string().optional(),
  MACSTUDIO_HOST: z.string().optional(),
  IPHONE_HOST: z.string().optional(),
  OLLAMA_BASE_URL: BareOrigin.optional(),
  MATRIX_HOMESERVER: BareOrigin.optional(),
  /** Where the operator's own clients find the homeserver; shown, never connected to. */
  MATRIX_CLIENT_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Addresses and subnets outside of the tailnet that the two servers above may have, separated by commas. */
  ALLOWED_ADDRESSES: z
    .string()
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'addresses or subnets, separated by commas')))
    .optional(),
});
export type HostsEnv = z.infer<typeof HostsEnv>;

/** `configs/agent.env`: how tasks are run. */
export const AgentEnv = z.strictObject({
  OLLAMA_MODEL: z.string().min(1).max(256),
  MAX_TASKS: count,
  MAX_TASKS_PER_WORKSPACE: count,
  MAX_TASKS_PER_MODEL: count.optional(),
  /** Nothing is begun with less room on the disk. */
  MIN_FREE_DISK_MB: z
    .string()
    .regex(/^\d{1,7}$/, 'a whole number from 0 to 9999999')
    .default('2048')
    .transform(Number),
  /** So many failures of one kind, one after the other, of one tool in one workspace, and its tasks wait. */
  BREAKER_FAILURES: count.default(3),
  /** How long, before one of them may try again. */
  BREAKER_WAIT_SEC: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'a whole number from 1 to 999999')
    .default('600')
    .transform(Number),
  /** Read and not used, so that a house which was exported with it starts: each profile of `sandbox.yaml` says it now (`warm`). */
  WARM_SANDBOXES: z.string().optional(),
});
export type AgentEnv = z.infer<typeof AgentEnv>;
