import type { Dialect } from './refusal.ts';

const patterns = {
  prompt: /"(?:prompt_eval_count|prompt_tokens)":\s*(\d{1,9})(?=[,}\s])/g,
  completion: /"(?:eval_count|completion_tokens)":\s*(\d{1,9})(?=[,}\s])/g,
} as const;

/** Line feeds of a stream beside those that end a token: Ollama's last line; the events of OpenAI's that frame an answer. */
const framing = { ollama: { perToken: 1, others: 1 }, openai: { perToken: 2, others: 4 } } as const;
const lineFeed = 0x0a;

/**
 * Reads the token counts off the end of a passing answer, streamed or not: Ollama's last line and OpenAI's `usage` both come last.
 * Only the tail is kept. Text of the model cannot look like a count, for quotes within a JSON string are escaped; numbers in a
 * tool call's arguments come before the counts.
 */
export class TailMeter {
  readonly #tailBytes: number;
  readonly #dialect: Dialect;
  #tail = Buffer.alloc(0);
  #lineFeeds = 0;

  constructor(tailBytes: number, dialect: Dialect) {
    this.#tailBytes = tailBytes;
    this.#dialect = dialect;
  }

  push(chunk: Uint8Array): void {
    for (const byte of chunk) if (byte === lineFeed) this.#lineFeeds += 1;
    const kept = Buffer.concat([this.#tail, chunk.subarray(Math.max(0, chunk.length - this.#tailBytes))]);
    this.#tail = kept.subarray(Math.max(0, kept.length - this.#tailBytes));
  }

  /** Tokens that have come in a stream so far, at least: a server sends a line for each, or for several. */
  get written(): number {
    const { perToken, others } = framing[this.#dialect];
    return Math.max(0, Math.floor(this.#lineFeeds / perToken) - others);
  }

  /** Zero where the answer does not say. */
  counts(): { prompt: number; completion: number } {
    const text = this.#tail.toString('latin1');
    return { prompt: lastNumber(text, patterns.prompt), completion: lastNumber(text, patterns.completion) };
  }
}

function lastNumber(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
}
