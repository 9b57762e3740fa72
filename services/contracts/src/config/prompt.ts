import { z } from 'zod';

/** `configs/prompts/<name>.yaml`: prompts are code; every run records the digests of those it used. */
export const Prompt = z.strictObject({
  version: z.literal(1),
  role: z.enum(['planner', 'coder']),
  system: z
    .string()
    .min(1)
    .max(64 * 1024),
});
export type Prompt = z.infer<typeof Prompt>;
