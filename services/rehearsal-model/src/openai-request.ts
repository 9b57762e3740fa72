import { z } from 'zod';
import type { Conversation } from './conversation.ts';
import { OfferedTool, parseTool } from './offered-tool.ts';

/** A message's text: whole, or in parts of which only those with text count. */
const Content = z
  .union([z.string(), z.array(z.object({ text: z.string().optional() }))])
  .nullish()
  .transform((content) => {
    if (typeof content === 'string') return content;
    return (content ?? []).map((part) => part.text ?? '').join('\n');
  });

const Role = z
  .enum(['system', 'developer', 'user', 'assistant', 'tool'])
  .transform((role) => (role === 'developer' ? 'system' : role));

const ResponseFormat = z.union([
  z.object({ type: z.literal('text') }).transform(() => undefined),
  z.object({ type: z.literal('json_object') }).transform(() => 'json' as const),
  z
    .object({ type: z.literal('json_schema'), json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }) })
    .transform(({ json_schema }) => json_schema.schema),
]);

export const CompletionRequest = z.object({
  model: z.string().min(1),
  messages: z.array(z.object({ role: Role, content: Content })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  tools: z.array(OfferedTool).nullish(),
  response_format: ResponseFormat.nullish(),
});
export type CompletionRequest = z.output<typeof CompletionRequest>;

export function readCompletion(request: CompletionRequest): Conversation {
  return {
    turns: request.messages.map(({ role, content }) => ({ role, text: content })),
    tools: (request.tools ?? []).map(parseTool),
    format: request.response_format ?? undefined,
  };
}
