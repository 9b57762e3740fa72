import type { Call } from './conversation.ts';
import type { Ending, Wire } from './wire.ts';

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function counters({ reason, promptTokens, answerTokens, durationNs }: Ending) {
  return {
    done: true,
    done_reason: reason,
    total_duration: durationNs,
    load_duration: 1,
    prompt_eval_count: promptTokens,
    prompt_eval_duration: 1,
    eval_count: answerTokens,
    eval_duration: durationNs,
  };
}

function assistant(content: string, more: { thinking?: string; call?: Call | undefined } = {}) {
  return {
    role: 'assistant',
    content,
    ...(more.thinking ? { thinking: more.thinking } : {}),
    ...(more.call ? { tool_calls: [{ function: more.call }] } : {}),
  };
}

function refusal(_status: number, message: string) {
  return { error: message };
}

function failure(message: string): string {
  return line({ error: message });
}

/** Ollama's `/api/chat`: lines of JSON, the last one with the counters. */
export function chatWire(model: string): Wire {
  const head = () => ({ model, created_at: new Date().toISOString() });
  const frame = (message: unknown) => line({ ...head(), message, done: false });
  return {
    contentType: 'application/x-ndjson',
    frames: ({ thinking, content, call }) => [
      ...thinking.map((text) => frame(assistant('', { thinking: text }))),
      ...content.map((text) => frame(assistant(text))),
      ...(call ? [frame(assistant('', { call }))] : []),
    ],
    ending: (ending) => [line({ ...head(), message: assistant(''), ...counters(ending) })],
    whole: ({ thinking, content, call }, ending) => ({
      ...head(),
      message: assistant(content, { thinking, call }),
      ...counters(ending),
    }),
    failure,
    refusal,
  };
}

/** Ollama's `/api/generate`: the same with a bare `response`, and no tools. */
export function generateWire(model: string): Wire {
  const head = () => ({ model, created_at: new Date().toISOString() });
  return {
    contentType: 'application/x-ndjson',
    frames: ({ thinking, content }) => [
      ...thinking.map((text) => line({ ...head(), response: '', thinking: text, done: false })),
      ...content.map((text) => line({ ...head(), response: text, done: false })),
    ],
    ending: (ending) => [line({ ...head(), response: '', ...counters(ending) })],
    whole: ({ thinking, content }, ending) => ({
      ...head(),
      response: content,
      ...(thinking ? { thinking } : {}),
      ...counters(ending),
    }),
    failure,
    refusal,
  };
}

/** The answer to an empty chat or prompt, which only loads the model, or unloads it when it is to be kept for no time. */
export function loaded(model: string, keepAlive: string | number | null | undefined, body: object) {
  const done_reason = keepAlive === 0 || keepAlive === '0' ? 'unload' : 'load';
  return { model, created_at: new Date().toISOString(), ...body, done: true, done_reason };
}
