import type { Call } from './conversation.ts';
import { cutIntoPieces, type Ending, type Wire } from './wire.ts';

type Options = { model: string; callId: string; includeUsage: boolean };

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function usage({ promptTokens, answerTokens }: Ending) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
  };
}

function finishReason({ reason }: Ending, call: Call | undefined): string {
  return call ? 'tool_calls' : reason;
}

export function refusal(status: number, message: string) {
  const types: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 404: 'not_found_error' };
  return { error: { message, type: types[status] ?? 'api_error', param: null, code: null } };
}

/** The first delta names the tool; its arguments follow in pieces of one JSON text. */
function callDeltas(call: Call, id: string): unknown[] {
  const name = { index: 0, id, type: 'function', function: { name: call.name, arguments: '' } };
  const pieces = cutIntoPieces(JSON.stringify(call.arguments));
  return [name, ...pieces.map((text) => ({ index: 0, function: { arguments: text } }))];
}

/** OpenAI's chat completions as Ollama speaks them: server-sent events, the last one `[DONE]`. */
export function completionWire({ model, callId, includeUsage }: Options): Wire {
  const head = (object: string) => ({
    id: 'chatcmpl-rehearsal',
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    system_fingerprint: 'fp_rehearsal',
  });
  const chunk = (delta: object, finish_reason: string | null = null) =>
    event({ ...head('chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason }] });
  return {
    contentType: 'text/event-stream',
    frames: ({ thinking, content, call }) => [
      chunk({ role: 'assistant', content: '' }),
      ...thinking.map((text) => chunk({ reasoning: text })),
      ...content.map((text) => chunk({ content: text })),
      ...(call ? callDeltas(call, callId).map((delta) => chunk({ tool_calls: [delta] })) : []),
    ],
    ending: (ending, call) => [
      chunk({}, finishReason(ending, call)),
      ...(includeUsage ? [event({ ...head('chat.completion.chunk'), choices: [], usage: usage(ending) })] : []),
      'data: [DONE]\n\n',
    ],
    failure: (message) => event(refusal(500, message)),
    whole: ({ content, call }, ending) => {
      const { name = '', arguments: given } = call ?? {};
      const asked = { index: 0, id: callId, type: 'function', function: { name, arguments: JSON.stringify(given) } };
      const message = { role: 'assistant', content, ...(call ? { tool_calls: [asked] } : {}) };
      const choice = { index: 0, message, finish_reason: finishReason(ending, call) };
      return { ...head('chat.completion'), choices: [choice], usage: usage(ending) };
    },
    refusal,
  };
}
