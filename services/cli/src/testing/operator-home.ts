import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, isSignatureGood } from '@countersign/contracts/command.ts';
import type { HealthReport } from '@countersign/contracts/health.ts';
import { type TaskRecord, type TaskState, taskFolder } from '@countersign/contracts/task-record.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import {
  makeReviewTask,
  type ReviewChange,
  type ReviewTask,
  writeReviewTask,
} from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { runCli } from '../run-cli.ts';

/** An operator's folder as the runner leaves it, a spool, and a runner that only gives verdicts. */
export class OperatorHome implements AsyncDisposable {
  readonly path: string;
  readonly #publicKey: KeyObject;

  private constructor(path: string, publicKey: KeyObject) {
    this.path = path;
    this.#publicKey = publicKey;
  }

  static async make(): Promise<OperatorHome> {
    const path = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
    for (const folder of ['inbox/pending', 'outbox/invalid', 'runs', 'logs/runner', 'spool', 'secrets'])
      await mkdir(join(path, folder), { recursive: true });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeFile(join(path, 'secrets/signing.key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    return new OperatorHome(path, publicKey);
  }

  /** Types a command line and reads what it prints. */
  async type(
    words: string[],
    options: { stdin?: string | Uint8Array; waitMs?: number; workWaitMs?: number; terminal?: boolean } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const written = { stdout: '', stderr: '' };
    const collect = (name: keyof typeof written) =>
      new Writable({
        write(chunk, _encoding, done) {
          written[name] += String(chunk);
          done();
        },
      });
    const { workWaitMs = 5_000 } = options;
    const code = await runCli(words, {
      config: {
        volumes: this.path,
        spool: join(this.path, 'spool'),
        secrets: join(this.path, 'secrets'),
        user: 'ada',
        terminal: options.terminal ?? true,
      },
      stdin: Readable.from([Buffer.from(options.stdin ?? '')]),
      stdout: collect('stdout'),
      stderr: collect('stderr'),
      signal: new AbortController().signal,
      verdictWaitMs: options.waitMs ?? 5_000,
      workWaitMs: { merge: workWaitMs, rebase: workWaitMs, cancel: workWaitMs },
    });
    return { code, ...written };
  }

  async addTask(id: string, state: TaskState, change: Partial<TaskRecord> = {}): Promise<TaskRecord> {
    const record = makeRecord(state, { ...change, id });
    const folder = join(this.path, taskFolder(record));
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(join(folder, 'task.json'), JSON.stringify(record));
    return record;
  }

  /** A task at its gate, with the bundle and the plan that its digest names. */
  async addPending(
    id: string,
    plan: string,
    change: Partial<TaskRecord> = {},
  ): Promise<{ digest: string; folder: string }> {
    const task = makeWaitingTask(plan, { ...change, id });
    return { digest: task.view.digest, folder: await writeWaitingTask(this.path, task) };
  }

  /** A task whose result waits to be merged, with the saved diff that its digest names. */
  async addReview(change: ReviewChange = {}): Promise<ReviewTask & { readonly folder: string }> {
    const task = makeReviewTask(change);
    return { ...task, folder: await writeReviewTask(this.path, task) };
  }

  async runnerIsAlive(): Promise<void> {
    await this.serviceSays('runner', 'ok', '');
  }

  /** What a service says of itself, now or at another time. */
  async serviceSays(
    service: string,
    status: HealthReport['status'],
    reason: string,
    ts = new Date().toISOString(),
  ): Promise<void> {
    const folder = join(this.path, 'logs', service);
    await mkdir(folder, { recursive: true });
    const report: HealthReport = { service, status, reason, ts, started_at: ts };
    await writeFile(join(folder, 'health.json'), JSON.stringify(report));
  }

  /** The commands in the spool, each with a good signature; as for the runner, a hidden file is one that is being written. */
  async spooled(): Promise<Command[]> {
    const names = (await readdir(join(this.path, 'spool'))).filter((name) => !name.startsWith('.')).sort();
    const commands = await Promise.all(
      names.map(async (name) => Command.parse(JSON.parse(await readFile(join(this.path, 'spool', name), 'utf8')))),
    );
    return commands.filter((command) => isSignatureGood(command, this.#publicKey));
  }

  /** Waits for one command and writes a verdict on it, after events about something else and half a line first. */
  async answer(event: 'command_accepted' | 'command_refused', summary: string): Promise<void> {
    let command: Command | undefined;
    while (command === undefined) {
      await sleep(5);
      [command] = await this.spooled();
    }
    const line = JSON.stringify({ event, summary, task_id: 'abcde', data: { command: command.id } });
    await this.journal(JSON.stringify({ event: 'message', summary: command.id }));
    await appendFile(join(this.path, 'runs/telemetry.jsonl'), line.slice(0, 20));
    await sleep(300);
    await appendFile(join(this.path, 'runs/telemetry.jsonl'), `${line.slice(20)}\n`);
  }

  async journal(line: string): Promise<void> {
    await appendFile(join(this.path, 'runs/telemetry.jsonl'), `${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
