import { z } from 'zod';
import type { Conversation } from './conversation.ts';
import { OfferedTool, parseTool } from './offered-tool.ts';

const Format = z.union([
  z.literal('').transform(() => undefined),
  z.literal('json'),
  z.record(z.string(), z.unknown()),
]);
const common = {
  model: z.string().min(1),
  stream: z.boolean().nullish(),
  format: Format.nullish(),
  think: z.union([z.boolean(), z.string()]).nullish(),
  keep_alive: z.union([z.string(), z.number()]).nullish(),
};

export const ChatRequest = z.object({
  ...common,
  messages: z
    .array(z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: z.string().nullish() }))
    .nullish(),
  tools: z.array(OfferedTool).nullish(),
});
export type ChatRequest = z.output<typeof ChatRequest>;

export const GenerateRequest = z.object({ ...common, prompt: z.string().nullish(), system: z.string().nullish() });
export type GenerateRequest = z.output<typeof GenerateRequest>;

/** `name` is what older clients send. */
export const ShowRequest = z
  .object({ model: z.string().optional(), name: z.string().optional() })
  .transform(({ model, name }) => ({ model: model ?? name ?? '' }));

export function readChat(request: ChatRequest): Conversation {
  return {
    turns: (request.messages ?? []).map(({ role, content }) => ({ role, text: content ?? '' })),
    tools: (request.tools ?? []).map(parseTool),
    format: request.format ?? undefined,
  };
}

export function readGenerate(request: GenerateRequest): Conversation {
  return {
    turns: [
      { role: 'system', text: request.system ?? '' },
      { role: 'user', text: request.prompt ?? '' },
    ],
    tools: [],
    format: request.format ?? undefined,
  };
}
