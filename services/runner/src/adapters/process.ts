import { createWriteStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isPassing, SystemTrouble } from '@countersign/kit/system-trouble.ts';
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
  /** Upper bound of what is kept in memory, or goes to `outputPath`, in bytes. */
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
};

const defaultMaxBytes = 64 * 1024 * 1024;
const defaultMaxFileBytes = 16 * 1024 * 1024 * 1024;
const defaultTimeoutMs = 10 * 60 * 1000;

/**
 * Runs one program without a shell, in exactly the environment that is given. Never throws for the program's own failure: a
 * program that was stopped or could not start has no exit code and says why in `cause`.
 * @throws SystemTrouble when the machine has nothing left to run it with
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const input = options.input;
  const started = execa(file, args, {
    cwd: options.cwd,
    env: { ...options.env },
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: options.outputPath === undefined ? (options.maxBytes ?? defaultMaxBytes) : defaultMaxBytes,
    timeout: options.timeoutMs ?? defaultTimeoutMs,
    forceKillAfterDelay: 2_000,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(input === undefined
      ? { stdin: 'ignore' as const }
      : input instanceof Uint8Array
        ? { input }
        : { inputFile: input.path }),
    ...(options.outputPath === undefined ? {} : { buffer: { stdout: false } }),
  });
  const copied =
    options.outputPath === undefined
      ? ''
      : await copyOutput(started, options.outputPath, options.maxBytes ?? defaultMaxFileBytes);
  const result = await started;
  // Nothing is known of what the program would have said.
  if (typeof result.code === 'string' && isPassing(Object.assign(new Error(), { code: result.code })))
    throw new SystemTrouble(result.code, `${file} could not be run: ${result.originalMessage ?? result.code}`);
  return {
    // One that was cut off may still have ended by itself, of the pipe that was shut: that is no exit code of its own.
    exitCode: copied === '' && !result.isMaxBuffer ? result.exitCode : undefined,
    stdout: result.stdout instanceof Uint8Array ? Buffer.from(result.stdout) : Buffer.alloc(0),
    stderr: Buffer.from(result.stderr ?? new Uint8Array()).toString('utf8'),
    cause: copied || (result.failed ? (result.originalMessage ?? result.shortMessage ?? '') : ''),
  };
}

/** Writes standard output to a file, up to a limit; a program that prints more is ended. Resolves to why it was cut, or ''. */
async function copyOutput(
  program: { readonly stdout: Readable | null; kill(signal: 'SIGKILL'): boolean },
  path: string,
  maxBytes: number,
): Promise<string> {
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new Error(`more than ${maxBytes} bytes of output`));
      else done(null, chunk);
    },
  });
  try {
    if (program.stdout !== null) await pipeline(program.stdout, limit, createWriteStream(path));
    return '';
  } catch (error) {
    program.kill('SIGKILL');
    if (isPassing(error)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
