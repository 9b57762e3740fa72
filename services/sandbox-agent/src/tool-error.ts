import { SandboxErrorClass } from '@countersign/contracts/frames.ts';
import { z } from 'zod';

/** `<task folder>/out/error.json`: a tool that fails says why, in the words of the closed list. */
export const ToolError = z.strictObject({
  // What it has used is not for a tool to say.
  error_class: SandboxErrorClass.exclude(['budget_output', 'budget_disk']),
  message: z.string().max(4_000),
});
export type ToolError = z.infer<typeof ToolError>;
