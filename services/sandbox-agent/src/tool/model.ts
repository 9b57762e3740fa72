import { type ChatRequest, Ollama, type Message as OllamaMessage } from 'ollama';
import { z } from 'zod';
import { ModelError } from './failure.ts';
import { type ModelWaits, toolLimits } from './limits.ts';
import type { Call, CallStyle, Message, OfferedTool, Reply } from './message.ts';
import { modelFetch } from './model-fetch.ts';
import { callSchema } from './structured.ts';

const ShowResponse = z.object({
  model_info: z.record(z.string(), z.unknown()).nullish(),
  capabilities: z.array(z.string()).nullish(),
});
const Chunk = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.unknown() }) })).nullish(),
    })
    .nullish(),
  done: z.boolean(),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.number().nullish(),
  eval_count: z.number().nullish(),
});

export type ModelDescription = { readonly contextTokens: number | undefined; readonly tools: boolean };
export type ChatOptions = {
  readonly tools: readonly OfferedTool[];
  readonly style: CallStyle;
  readonly contextTokens: number;
  readonly answerTokens: number;
};

/** The one client of the model: Ollama's API at a host, for one model. Each request fails as a ModelError or not at all. */
export class Model {
  readonly name: string;
  readonly #host: string;
  readonly #waits: ModelWaits;

  constructor(host: string, name: string, waits: ModelWaits) {
    this.#host = host;
    this.name = name;
    this.#waits = waits;
  }

  async version(stop: AbortSignal): Promise<string> {
    const client = this.#client(AbortSignal.any([stop, AbortSignal.timeout(this.#waits.answerMs)]));
    return await this.#classify(
      stop,
      async () => z.object({ version: z.string() }).parse(await client.version()).version,
    );
  }

  /** What `/api/show` says; an absent list of capabilities (older servers) means no tools. */
  async describe(stop: AbortSignal): Promise<ModelDescription> {
    const client = this.#client(AbortSignal.any([stop, AbortSignal.timeout(this.#waits.answerMs)]));
    const shown = await this.#classify(stop, async () => ShowResponse.parse(await client.show({ model: this.name })));
    const architecture = shown.model_info?.['general.architecture'];
    const context = shown.model_info?.[`${String(architecture)}.context_length`];
    return {
      contextTokens: typeof context === 'number' && context > 0 ? Math.floor(context) : undefined,
      tools: shown.capabilities?.includes('tools') ?? false,
    };
  }

  /** One answer, put together from its stream. A stream that falls silent is broken off. */
  async chat(messages: readonly Message[], options: ChatOptions, stop: AbortSignal): Promise<Reply> {
    const silence = new AbortController();
    const silent = (waitMs: number) =>
      setTimeout(() => silence.abort(new ModelError('broken', `the model was silent for ${waitMs} ms`)), waitMs);
    let timer = silent(this.#waits.firstChunkMs);
    try {
      return await this.#classify(stop, async () => {
        const client = this.#client(AbortSignal.any([stop, silence.signal]));
        const stream = await client.chat({ ...this.#request(messages, options), stream: true });
        const reply = new ReplyParts();
        for await (const chunk of stream) {
          clearTimeout(timer);
          timer = silent(this.#waits.chunkMs);
          reply.add(Chunk.parse(chunk));
        }
        return reply.whole();
      });
    } catch (error) {
      throw silence.signal.aborted && !stop.aborted ? silence.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #client(stop: AbortSignal): Ollama {
    return new Ollama({ host: this.#host, fetch: modelFetch(stop) });
  }

  #request(messages: readonly Message[], { tools, style, contextTokens, answerTokens }: ChatOptions): ChatRequest {
    const native = tools.map((tool) => ({
      type: 'function',
      function: { ...tool, parameters: { ...tool.parameters } },
    }));
    return {
      model: this.name,
      messages: messages.map((message) => wireMessage(message, style)),
      options: { num_ctx: contextTokens, num_predict: answerTokens },
      ...(tools.length > 0 && style === 'native' ? { tools: native } : {}),
      ...(tools.length > 0 && style === 'structured' ? { format: callSchema(tools) } : {}),
    };
  }

  async #classify<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      stop.throwIfAborted();
      if (cause instanceof ModelError) throw cause;
      const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ModelError(timedOut ? 'unreachable' : 'broken', message, { cause });
    }
  }
}

class ReplyParts {
  #content = '';
  #thinkingBytes = 0;
  readonly #calls: Call[] = [];
  #last: z.infer<typeof Chunk> | undefined;

  add(chunk: z.infer<typeof Chunk>): void {
    this.#content += chunk.message?.content ?? '';
    // Thoughts count, but they are neither kept nor sent back.
    this.#thinkingBytes += chunk.message?.thinking?.length ?? 0;
    for (const call of chunk.message?.tool_calls ?? []) this.#calls.push(call.function);
    if (this.#content.length + this.#thinkingBytes > toolLimits.answerBytes)
      throw new ModelError('broken', `an answer of more than ${toolLimits.answerBytes} bytes`);
    this.#last = chunk;
  }

  whole(): Reply {
    return {
      content: this.#content,
      calls: this.#calls,
      cutOff: this.#last?.done_reason === 'length',
      promptTokens: this.#last?.prompt_eval_count ?? 0,
      completionTokens: this.#last?.eval_count ?? 0,
    };
  }
}

function wireMessage(message: Message, style: CallStyle): OllamaMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.content };
    case 'assistant': {
      const { content, calls } = message;
      if (calls.length === 0) return { role: 'assistant', content };
      if (style === 'structured') {
        const [call] = calls;
        return { role: 'assistant', content: JSON.stringify({ tool: call?.name, arguments: call?.arguments }) };
      }
      const toolCalls = calls.map(({ name, arguments: given }) => ({ function: { name, arguments: asObject(given) } }));
      return { role: 'assistant', content, tool_calls: toolCalls };
    }
    case 'tool':
      if (style === 'native') return { role: 'tool', content: message.content, tool_name: message.tool };
      return { role: 'user', content: `Result of ${message.tool}:\n${message.content}` };
  }
}

/** What goes back over the wire must be an object, whatever the model had sent. */
function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : { given: value };
}
