import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** The only file of this service that starts processes: always without a shell, always in a process group of its own. */
export type Command = {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** An open file that becomes standard input; without one it is empty. */
  readonly stdin?: number;
};

/** How a process ended; `missing` when it could not be started at all. */
export type Ended =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'missing'; readonly message: string };

export type RunningProcess = {
  /** Process group and session id; undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the process itself has ended; others of its group may still live and hold its pipes. */
  readonly ended: Promise<Ended>;
  /** Signals the whole group; a group that is gone is no error. */
  signal(name: NodeJS.Signals): void;
};

export function startProcess(command: Command): RunningProcess {
  const [file = '', ...rest] = command.argv;
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(file, rest, {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    stdio: [command.stdin ?? 'ignore', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ kind: 'missing', message: error.message });
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
  });
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    signal: (name) => signalGroup(child.pid, name),
  };
}

/** @param group id of a process group; nothing happens without one */
function signalGroup(group: number | undefined, name: NodeJS.Signals): void {
  // 0 and 1 would be our own group and everything there is.
  if (group === undefined || group <= 1) return;
  try {
    process.kill(-group, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}

/** How long the pipes of an ended process are still read, when somebody else holds them open. */
const pipeGraceMs = 2_000;

/**
 * Runs a command to its end and hands its output on as it comes. Whatever is left of its group is killed.
 * @param onOutput called with each piece of standard output and standard error
 * @param stop ends it with SIGKILL; for a time limit pass `AbortSignal.timeout`
 */
export async function runProcess(
  command: Command,
  onOutput: (data: Buffer, from: 'stdout' | 'stderr') => void,
  stop: AbortSignal,
): Promise<Ended> {
  stop.throwIfAborted();
  const running = startProcess(command);
  const kill = () => running.signal('SIGKILL');
  stop.addEventListener('abort', kill, { once: true });
  running.stdout.on('data', (data: Buffer) => onOutput(data, 'stdout'));
  running.stderr.on('data', (data: Buffer) => onOutput(data, 'stderr'));
  try {
    const ended = await running.ended;
    kill();
    await drained(running);
    return ended;
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

/** Waits for the end of both pipes, but not for ever: a process that escaped its group may hold them. */
export async function drained(running: RunningProcess): Promise<void> {
  const streams = [running.stdout, running.stderr].filter((stream) => !stream.closed);
  const closed = Promise.all(
    streams.map((stream) => new Promise<void>((resolve) => stream.once('close', () => resolve()))),
  );
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, pipeGraceMs);
  });
  await Promise.race([closed, grace]);
  clearTimeout(timer);
  for (const stream of streams) stream.destroy();
}
