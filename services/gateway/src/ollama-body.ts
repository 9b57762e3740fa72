import { z } from 'zod';
import { bodyLimits } from './limits.ts';

/** A JSON object that is data for the model: a tool's description, a schema, a call's arguments. */
export const FreeObject = z.record(z.string(), z.unknown());

const durationPattern = /^(?=\d)(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$/;

/** How long the model stays loaded: seconds, or hours, minutes and seconds as in `1h30m`; passed on as seconds. */
const KeepAlive = z
  .union([
    z.int(),
    z
      .string()
      .regex(durationPattern, 'a duration such as 5m')
      .transform((text) => {
        const [, hours, minutes, seconds] = durationPattern.exec(text) ?? [];
        return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
      }),
  ])
  .pipe(z.int().min(bodyLimits.keepAliveMinimumSeconds).max(bodyLimits.keepAliveMaximumSeconds));

/**
 * Sampling and the context's size. What decides how the server loads a model (threads, GPUs, batch, memory mapping) is the
 * operator's, and a change of it reloads the model for everybody.
 */
const ModelOptions = z.strictObject({
  num_ctx: z.int().min(1).max(bodyLimits.contextTokens).nullish(),
  num_predict: z.int().min(1).max(bodyLimits.predictTokens).nullish(),
  num_keep: z.int().min(-1).max(bodyLimits.contextTokens).nullish(),
  repeat_last_n: z.int().min(-1).max(bodyLimits.contextTokens).nullish(),
  seed: z.int().nullish(),
  top_k: z.int().nullish(),
  top_p: z.number().nullish(),
  min_p: z.number().nullish(),
  tfs_z: z.number().nullish(),
  typical_p: z.number().nullish(),
  temperature: z.number().nullish(),
  repeat_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  mirostat: z.int().min(0).max(2).nullish(),
  mirostat_tau: z.number().nullish(),
  mirostat_eta: z.number().nullish(),
  penalize_newline: z.boolean().nullish(),
  stop: z.array(z.string()).max(bodyLimits.stopSequences).nullish(),
});

/** The options of a request that makes text, with an end to it. */
const GenerationOptions = ModelOptions.nullish().transform((options) => ({
  ...options,
  num_predict: options?.num_predict ?? bodyLimits.predictTokens,
}));

const generation = {
  model: z.string(),
  stream: z.boolean().nullish(),
  format: z.union([z.literal(['', 'json']), FreeObject]).nullish(),
  options: GenerationOptions,
  keep_alive: KeepAlive.nullish(),
  think: z.union([z.boolean(), z.string().max(16)]).nullish(),
  truncate: z.boolean().nullish(),
  shift: z.boolean().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
};

/** Text alone: images would be decoded by the model server's native code. */
const ChatMessage = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  thinking: z.string().nullish(),
  tool_calls: z.array(FreeObject).max(bodyLimits.tools).nullish(),
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
});

export const ChatBody = z.strictObject({
  ...generation,
  messages: z.array(ChatMessage).max(bodyLimits.messages).nullish(),
  tools: z.array(FreeObject).max(bodyLimits.tools).nullish(),
});

/** Without `template`: it is a program for the server. */
export const GenerateBody = z.strictObject({
  ...generation,
  prompt: z.string().nullish(),
  suffix: z.string().nullish(),
  system: z.string().nullish(),
  raw: z.boolean().nullish(),
  context: z.array(z.int()).max(bodyLimits.contextTokens).nullish(),
});

export const EmbedBody = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).max(bodyLimits.inputs)]),
  truncate: z.boolean().nullish(),
  dimensions: z.int().positive().nullish(),
  keep_alive: KeepAlive.nullish(),
  options: ModelOptions.nullish(),
});

/** `name` is what older clients send; the server is asked by `model`. */
export const ShowBody = z
  .strictObject({ model: z.string().optional(), name: z.string().optional(), verbose: z.boolean().nullish() })
  .refine(({ model, name }) => (model === undefined) !== (name === undefined), 'one of model and name')
  .transform(({ model, name, verbose }) => ({ model: model ?? name ?? '', verbose }));
