import { z } from 'zod';
import type { JsonSchema, Tool } from './conversation.ts';
import { propertiesOf } from './fit-schema.ts';

/** A tool as both protocols write it. */
export const OfferedTool = z.object({
  function: z.object({ name: z.string(), parameters: z.record(z.string(), z.unknown()).nullish() }),
});

export function parseTool({ function: { name, parameters } }: z.output<typeof OfferedTool>): Tool {
  const schema: JsonSchema = parameters ?? {};
  const { required } = schema;
  return {
    name,
    properties: propertiesOf(schema),
    required: Array.isArray(required) ? required.filter((each) => typeof each === 'string') : [],
  };
}
