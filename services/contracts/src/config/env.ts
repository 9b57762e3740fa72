import { z } from 'zod';

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
  OLLAMA_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
});
export type HostsEnv = z.infer<typeof HostsEnv>;

/** `configs/agent.env`: how tasks are run. */
export const AgentEnv = z.strictObject({
  OLLAMA_MODEL: z.string().min(1).max(256),
  MAX_TASKS: count,
  MAX_TASKS_PER_WORKSPACE: count,
  MAX_TASKS_PER_MODEL: count.optional(),
  WARM_SANDBOXES: z.string().regex(/^\d$/, 'a whole number from 0 to 9').transform(Number),
});
export type AgentEnv = z.infer<typeof AgentEnv>;
