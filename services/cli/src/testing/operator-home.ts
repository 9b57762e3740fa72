import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { Command, isSignatureGood } from '@countersign/contracts/command.ts';
import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { runCli } from '../run-cli.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const since = '2026-11-20T10:00:00.000Z';

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
    options: { stdin?: string | Uint8Array; waitMs?: number } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const written = { stdout: '', stderr: '' };
    const collect = (name: keyof typeof written) =>
      new Writable({
        write(chunk, _encoding, done) {
          written[name] += String(chunk);
          done();
        },
      });
    const code = await runCli(words, {
      config: { volumes: this.path, spool: join(this.path, 'spool'), secrets: join(this.path, 'secrets'), user: 'ada' },
      stdin: Readable.from([Buffer.from(options.stdin ?? '')]),
      stdout: collect('stdout'),
      stderr: collect('stderr'),
      signal: new AbortController().signal,
      verdictWaitMs: options.waitMs ?? 5_000,
    });
    return { code, ...written };
  }

  async addTask(id: string, state: TaskState, change: Partial<TaskRecord> = {}): Promise<TaskRecord> {
    const record: TaskRecord = {
      version: 1,
      id,
      run: 'RUN-20261120-001',
      file: `${id}.md`,
      dropped_as: `${id}.md`,
      task_file: sha('task'),
      workspace: 'demo',
      action: 'run',
      stage: 'staging',
      gate: true,
      title: 'A title',
      tool: 'agent',
      priority: 0,
      timeout_sec: 60,
      accepted_at: since,
      attempts: 1,
      interruptions: 0,
      model: { kind: 'rehearsal', name: 'm' },
      base: { branch: 'main', head: 'b'.repeat(40) },
      ...change,
      state,
    };
    await mkdir(this.#task(record), { recursive: true });
    await writeFile(join(this.#task(record), 'task.json'), JSON.stringify(record));
    return record;
  }

  /** A task at its gate, with the bundle and the plan that its digest names. */
  async addPending(
    id: string,
    plan: string,
    change: Partial<TaskRecord> = {},
  ): Promise<{ digest: string; folder: string }> {
    const bundle: Bundle = {
      version: 1,
      task: id,
      run: 'RUN-20261120-001',
      file: change.file ?? `${id}.md`,
      task_file: sha('task'),
      spec: null,
      plan: sha(plan),
      workspace: 'demo',
      stage: 'staging',
      repositories: [{ name: 'demo', branch: 'main', base_head: 'b'.repeat(40) }],
      tool: { name: 'agent', definition: sha('tool') },
      model: { kind: 'rehearsal', name: 'm' },
      sandbox: { profile: 'default', definition: sha('profile'), image: `sha256:${sha('image')}` },
      prompts: {},
      policy: sha('policy'),
      timeout_sec: 60,
      nonce: '0'.repeat(32),
      requested_at: since,
      expires_at: '2026-11-23T10:00:00.000Z',
    };
    const digest = bundleDigest(bundle);
    const state = { status: 'pending', since, reason: 'waits for you', digest, expires_at: bundle.expires_at } as const;
    const record = await this.addTask(id, state, change);
    const folder = this.#task(record);
    await mkdir(join(folder, 'attempts/1'), { recursive: true });
    await writeFile(join(folder, 'bundle.json'), canonicalJson(bundle));
    await writeFile(join(folder, 'attempts/1/plan.md'), plan);
    return { digest, folder };
  }

  async runnerIsAlive(): Promise<void> {
    const ts = new Date().toISOString();
    const report = { service: 'runner', status: 'ok', reason: '', ts, started_at: ts };
    await writeFile(join(this.path, 'logs/runner/health.json'), JSON.stringify(report));
  }

  /** The commands in the spool, each with a good signature. */
  async spooled(): Promise<Command[]> {
    const names = (await readdir(join(this.path, 'spool'))).sort();
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

  #task(record: TaskRecord): string {
    return join(this.path, 'runs', record.run, 'tasks', record.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
