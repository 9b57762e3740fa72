import { execa } from 'execa';

/** What a finished program left. `stdout` is empty when it went to a file. */
export type Finished = {
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly cause: string;
};

export type RunOptions = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Bytes for standard input, or the path of a file that holds them. */
  readonly input?: Uint8Array | { readonly path: string };
  /** Where standard output goes instead of into memory. */
  readonly outputPath?: string;
  /** Upper bound of what is kept in memory, in bytes. */
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
};

const defaultMaxBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 10 * 60 * 1000;

/**
 * Runs one program without a shell, in exactly the environment that is given. Never throws for the program's own failure: a
 * program that was stopped or could not start has no exit code and says why in `cause`.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const input = options.input;
  const result = await execa(file, args, {
    cwd: options.cwd,
    env: { ...options.env },
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: options.maxBytes ?? defaultMaxBytes,
    timeout: options.timeoutMs ?? defaultTimeoutMs,
    forceKillAfterDelay: 2_000,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(input === undefined
      ? { stdin: 'ignore' as const }
      : input instanceof Uint8Array
        ? { input }
        : { inputFile: input.path }),
    ...(options.outputPath === undefined ? {} : { stdout: { file: options.outputPath }, buffer: { stdout: false } }),
  });
  return {
    exitCode: result.exitCode,
    stdout: result.stdout instanceof Uint8Array ? Buffer.from(result.stdout) : Buffer.alloc(0),
    stderr: Buffer.from(result.stderr ?? new Uint8Array()).toString('utf8'),
    cause: result.failed ? (result.originalMessage ?? result.shortMessage ?? '') : '',
  };
}
