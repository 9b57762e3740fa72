import { ErrorClass } from '@countersign/contracts/event.ts';
import { z } from 'zod';

/** `<task folder>/out/error.json`: a tool that fails says why, in the words of the closed list. */
export const ToolError = z.strictObject({ error_class: ErrorClass, message: z.string().max(4_000) });
export type ToolError = z.infer<typeof ToolError>;
