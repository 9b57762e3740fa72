import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HealthReport } from '@countersign/contracts/health.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { until } from './listener-wait.ts';

const services = fileURLToPath(new URL('../../services', import.meta.url));

/** How a process ended: the code it gave, or null when it was killed. */
export type Ending = { readonly code: number | null; readonly printed: string };

/** One service of the stack as a process of its own, over folders of a test: it can be killed at any moment and started again. */
export class ServiceProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #logs: string;
  #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #ended: Promise<number | null> = Promise.resolve(null);
  #startedAt = 0;
  #printed = '';

  /** @param logs where its `health.json` is */
  constructor(name: 'gateway' | 'matrix-listener', logs: string, environment: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#logs = logs;
    this.#environment = environment;
  }

  /** @param change to its environment, from now on */
  start(change: Readonly<Record<string, string>> = {}): void {
    if (this.isRunning) throw new Error(`${this.#name} runs already`);
    this.#environment = { ...this.#environment, ...change };
    this.#startedAt = Date.now();
    const child = spawn(process.execPath, [`${services}/${this.#name}/src/main.ts`], {
      env: { PATH: process.env['PATH'] ?? '', ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text;
      });
    this.#ended = new Promise((resolve) => child.once('close', resolve));
    this.#child = child;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that it has printed, over all its starts. */
  get printed(): string {
    return this.#printed;
  }

  /** Ends it at once, without its knowing. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Ends it as the engine does. */
  async stop(): Promise<Ending> {
    this.#child?.kill('SIGTERM');
    return await this.ended();
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<Ending> {
    return { code: await this.#ended, printed: this.#printed };
  }

  /** What this process itself, and not the one before it, says of its health; null while it has said nothing. */
  async health(): Promise<HealthReport | null> {
    const health = await readHealth(this.#logs);
    const isOwn = health !== null && Date.parse(health.report.ts) >= this.#startedAt;
    return isOwn ? health.report : null;
  }

  /** Waits until it says so. @param words all of which are in the reason */
  async says(status: HealthReport['status'], words: readonly string[] = [], timeoutMs = 40_000): Promise<HealthReport> {
    return await until(
      `${this.#name} is ${status} ${JSON.stringify(words)}`,
      async () => {
        const report = await this.health();
        return report?.status === status && words.every((word) => report.reason.includes(word)) ? report : null;
      },
      { timeoutMs, instead: async () => `${JSON.stringify(await this.health())}\n${this.#printed.slice(-4_000)}` },
    );
  }

  /** Bytes of memory that it holds now, and the most that it has held. */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const status = await readFile(`/proc/${this.#child?.pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]);
    return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
