import type { ModelKind, ModelReport } from '@countersign/contracts/gateway-api.ts';
import { z } from 'zod';
import { namesModel } from './body-policy.ts';
import type { UpstreamConfig } from './config.ts';
import type { Limits } from './limits.ts';
import { type Upstream, UpstreamError } from './upstream.ts';

const Tags = z.object({ models: z.array(z.object({ name: z.string() })).nullish() });
const Show = z.object({
  model_info: z.record(z.string(), z.unknown()).nullish(),
  parameters: z.string().nullish(),
  capabilities: z.array(z.string()).nullish(),
  template: z.string().nullish(),
  remote_host: z.string().nullish(),
});
type Show = z.infer<typeof Show>;

/** How the operator gets a model onto each kind of server. */
const remedies: Readonly<Record<ModelKind, (model: string) => string>> = {
  own: (model) => `on that host run: ollama pull ${model}`,
  ollama: (model) => `run: docker compose exec ollama ollama pull ${model}`,
  rehearsal: () => 'set OLLAMA_MODEL=rehearsal in configs/agent.env',
};

/** Asks the model server what it has: `/api/tags` for the name, `/api/show` for the context's length and tools. */
export async function probeModel(
  upstream: Upstream,
  { kind, origin, model }: UpstreamConfig,
  limits: Limits,
  stop: AbortSignal,
): Promise<ModelReport> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(limits.modelProbeMs)]);
  const about = { kind, name: model } as const;
  const ask = async <Schema extends z.ZodType>(
    method: 'GET' | 'POST',
    path: string,
    body: string | null,
    schema: Schema,
  ) => schema.parse(JSON.parse(await readText(upstream, method, path, body, limits.modelProbeBytes, signal)));
  const missing = (reason: string): ModelReport => ({ ...about, status: 'missing', reason });
  try {
    const tags = await ask('GET', '/api/tags', null, Tags);
    if (!(tags.models ?? []).some(({ name }) => namesModel(name, model))) {
      return missing(`${origin} has no model ${model}; ${remedies[kind](model)}`);
    }
    const show = await ask('POST', '/api/show', JSON.stringify({ model }), Show);
    if (show.remote_host) {
      return missing(
        `${model} is a cloud model: prompts would leave ${origin}; choose a local one in configs/agent.env`,
      );
    }
    const contextLength = contextLengthOf(show);
    if (contextLength === null) {
      return missing(`${origin} does not say the context length of ${model}; ${remedies[kind](model)}`);
    }
    return { ...about, status: 'ready', context_length: contextLength, tools: hasTools(show) };
  } catch (error) {
    stop.throwIfAborted();
    return { ...about, status: 'unreachable', reason: `${origin} was asked for ${model}: ${describe(error, limits)}` };
  }
}

async function readText(
  upstream: Upstream,
  method: 'GET' | 'POST',
  path: string,
  body: string | null,
  maximumBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const answer = await upstream.request({ method, path, body }, signal);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > maximumBytes) throw new UpstreamError('bad-answer', `${path} answered more than ${maximumBytes} bytes`);
    chunks.push(chunk);
  }
  if (answer.statusCode !== 200) throw new UpstreamError('bad-answer', `${path} answered ${answer.statusCode}`);
  return Buffer.concat(chunks).toString('utf8');
}

function contextLengthOf({ model_info, parameters }: Show): number | null {
  const info = model_info ?? {};
  const trained = info[`${String(info['general.architecture'])}.context_length`];
  const configured = Number(/^num_ctx\s+(\d{1,9})\s*$/m.exec(parameters ?? '')?.[1] ?? Number.NaN);
  for (const length of [trained, configured]) {
    if (typeof length === 'number' && Number.isSafeInteger(length) && length > 0) return length;
  }
  return null;
}

/** Servers too old to list capabilities show tools in the prompt's template. */
function hasTools({ capabilities, template }: Show): boolean {
  return capabilities ? capabilities.includes('tools') : (template ?? '').includes('.Tools');
}

function describe(error: unknown, limits: Limits): string {
  if (error instanceof UpstreamError) return error.message;
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'its answer is not that of an Ollama server';
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${limits.modelProbeMs / 1000} s`;
  return error instanceof Error ? error.message : String(error);
}
