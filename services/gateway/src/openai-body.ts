import { z } from 'zod';
import { bodyLimits } from './limits.ts';
import { FreeObject } from './ollama-body.ts';

const maximumTokens = z.int().min(1).max(bodyLimits.predictTokens).nullish();

/** Sampling and delivery, and what clients send although the server does not read it. */
const generation = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: maximumTokens,
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(bodyLimits.stopSequences)]).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  n: z.literal(1).nullish(),
  user: z.string().max(256).nullish(),
};

/** The server knows `max_tokens` only; without it an answer has no end. */
function withEnd<Body extends { max_tokens?: number | null | undefined }>(
  body: Body,
  alternative?: number | null,
): Body & { max_tokens: number } {
  return { ...body, max_tokens: body.max_tokens ?? alternative ?? bodyLimits.predictTokens };
}

/** Text parts alone: an image's address would be fetched by whoever reads it. */
const Content = z.union([z.string(), z.array(z.strictObject({ type: z.literal('text'), text: z.string() }))]);

const CompletionMessage = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: Content.nullish(),
  name: z.string().nullish(),
  tool_calls: z.array(FreeObject).max(bodyLimits.tools).nullish(),
  tool_call_id: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  // Clients that give an answer back as it came send these, empty.
  refusal: z.null().optional(),
  annotations: z.null().optional(),
  audio: z.null().optional(),
  function_call: z.null().optional(),
});

const ResponseFormat = z.union([
  z.strictObject({ type: z.literal(['text', 'json_object']) }),
  z.strictObject({ type: z.literal('json_schema'), json_schema: FreeObject }),
]);

export const ChatCompletionBody = z
  .strictObject({
    ...generation,
    messages: z.array(CompletionMessage).max(bodyLimits.messages),
    max_completion_tokens: maximumTokens,
    response_format: ResponseFormat.nullish(),
    tools: z.array(FreeObject).max(bodyLimits.tools).nullish(),
    tool_choice: z.union([z.enum(['auto', 'none', 'required']), FreeObject]).nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    reasoning: z.strictObject({ effort: z.string().max(16).nullish() }).nullish(),
    reasoning_effort: z.string().max(16).nullish(),
    verbosity: z.string().max(16).nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish(),
  })
  .transform(({ max_completion_tokens, ...body }) => withEnd(body, max_completion_tokens));

export const CompletionBody = z
  .strictObject({ ...generation, prompt: z.string(), suffix: z.string().nullish() })
  .transform((body) => withEnd(body));

export const EmbeddingBody = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).max(bodyLimits.inputs)]),
  dimensions: z.int().positive().nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  user: z.string().max(256).nullish(),
});
