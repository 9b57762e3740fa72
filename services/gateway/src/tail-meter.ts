const patterns = {
  prompt: /"(?:prompt_eval_count|prompt_tokens)":\s*(\d{1,9})(?=[,}\s])/g,
  completion: /"(?:eval_count|completion_tokens)":\s*(\d{1,9})(?=[,}\s])/g,
} as const;

/**
 * Reads the token counts off the end of a passing answer, streamed or not: Ollama's last line and OpenAI's `usage` both come last.
 * Only the tail is kept. Text of the model cannot look like a count, for quotes within a JSON string are escaped; numbers in a
 * tool call's arguments come before the counts.
 */
export class TailMeter {
  readonly #tailBytes: number;
  #tail = Buffer.alloc(0);

  constructor(tailBytes: number) {
    this.#tailBytes = tailBytes;
  }

  push(chunk: Uint8Array): void {
    const kept = Buffer.concat([this.#tail, chunk.subarray(Math.max(0, chunk.length - this.#tailBytes))]);
    this.#tail = kept.subarray(Math.max(0, kept.length - this.#tailBytes));
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
