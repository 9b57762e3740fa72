import type { Readable, Writable } from 'node:stream';
import type { CliConfig } from './config.ts';

/** What a command works with: its settings, the streams, and the end of the operator's patience. */
export type Context = {
  readonly config: CliConfig;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly signal: AbortSignal;
  /** How long a verdict is waited for, in milliseconds. */
  readonly verdictWaitMs: number;
  /** How long the end of an accepted merge, rebase or cancellation is waited for, in milliseconds. */
  readonly workWaitMs: { readonly merge: number; readonly rebase: number; readonly cancel: number };
};

export function print(stream: Writable, ...lines: readonly string[]): void {
  stream.write(`${lines.join('\n')}\n`);
}
