import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '@countersign/contracts/command.ts';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { ApprovalView, Pending } from '@countersign/kit/approval-view.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import type { ListenerHome, Spooled } from './listener-home.ts';

export type Asked = { readonly record: Pending; readonly view: ApprovalView };

const approvalMs = 72 * 60 * 60 * 1000;

/**
 * What of the runner the listener sees: journals, the folders of tasks that wait, and a spool that empties. It judges nothing;
 * a test says what the verdict is.
 */
export class RunnerDouble implements AsyncDisposable {
  /** Every command that was taken out of the spool, by its id. */
  readonly taken = new Map<string, Command>();
  readonly #home: ListenerHome;
  readonly #own: Journal;
  readonly #runs = new Map<string, Journal>();
  readonly #waiting = new Map<string, Pending>();

  private constructor(home: ListenerHome, own: Journal) {
    this.#home = home;
    this.#own = own;
  }

  static async start(home: ListenerHome): Promise<RunnerDouble> {
    const runner = new RunnerDouble(home, await Journal.open(home.path('volumes/runs/telemetry.jsonl')));
    await runner.#own.append({ ...service, event: 'runner_started', summary: 'started' });
    return runner;
  }

  /** Asks for an approval of a task: what the digest names is on disk before the journal says so. */
  async ask(id: string, change: Partial<TaskRecord> = {}, plan = 'Do as the task says.\n'): Promise<Asked> {
    const asked = withTimes(id, change, plan);
    const { record } = asked;
    await writeWaitingTask(this.#home.path('volumes'), asked);
    this.#waiting.set(id, record);
    await this.#tell(record, {
      event: 'approval_requested',
      agent_role: 'runner',
      summary: `approval of ${record.state.digest.slice(0, 8)} asked for`,
      data: { digest: record.state.digest },
    });
    return asked;
  }

  /** Says of a command whether it counts, and takes it out of the spool. An accepted one moves its task on. */
  async judge({ path, command }: Spooled, refusal: string | null = null): Promise<void> {
    if (!this.taken.has(command.id)) {
      this.taken.set(command.id, command);
      await this.#say(command, refusal);
      const record = taskOf(command) === null ? undefined : this.#waiting.get(taskOf(command) ?? '');
      if (refusal === null && record !== undefined) await this.#decide(record, command);
    }
    await rm(path, { force: true });
  }

  /** Accepts whatever lies in the spool. */
  async judgeAll(): Promise<void> {
    for (const spooled of await this.#home.spooled()) await this.judge(spooled);
  }

  /** A line that somebody sends from the shell. */
  async send(text: string): Promise<void> {
    await this.#own.append({ ...service, agent_role: 'operator', event: 'message', summary: text });
  }

  /** A verdict as the runner's desk writes it. */
  async #say(command: Command, refusal: string | null): Promise<void> {
    const task = taskOf(command);
    const record = this.#waiting.get(task ?? '');
    await this.#own.append({
      ...(record === undefined ? {} : { run_id: record.run, task_id: record.id }),
      phase: 'gate',
      agent_role: 'operator',
      event: refusal === null ? 'command_accepted' : 'command_refused',
      summary: refusal ?? `${task} (${record?.file}) is ${command.kind === 'approve' ? 'approved' : 'rejected'}`,
      data: {
        command: command.id,
        kind: command.kind,
        channel: command.actor.channel,
        user: command.actor.user,
        evidence: command.evidence,
      },
    });
  }

  async #decide(record: Pending, command: Command): Promise<void> {
    const decided_at = new Date().toISOString();
    const approval = {
      command: command.id,
      digest: record.state.digest,
      channel: command.actor.channel,
      user: command.actor.user,
      evidence: command.evidence,
      decided_at,
      expires_at: record.state.expires_at,
    };
    const isApproved = command.kind === 'approve';
    const state: TaskRecord['state'] = isApproved
      ? { status: 'approved', wait: null, since: decided_at, reason: 'approved; waits for its turn', approval }
      : { status: 'rejected', since: decided_at, reason: 'rejected' };
    await this.#tell(
      { ...record, state },
      {
        event: isApproved ? 'task_approved' : 'task_rejected',
        agent_role: 'operator',
        summary: isApproved ? 'approved' : 'rejected',
        data: { command_id: command.id },
      },
    );
  }

  async #tell(record: TaskRecord, detail: Omit<EventBody, 'phase'>): Promise<void> {
    await (await this.#journalOf(record.run)).append({
      run_id: record.run,
      task_id: record.id,
      status: record.state.status,
      phase: 'gate',
      ...detail,
      data: { ...detail.data, record },
    });
  }

  async #journalOf(run: string): Promise<Journal> {
    const folder = this.#home.path(join('volumes/runs', run));
    await mkdir(folder, { recursive: true });
    const journal = this.#runs.get(run) ?? (await Journal.open(join(folder, 'telemetry.jsonl')));
    this.#runs.set(run, journal);
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of [this.#own, ...this.#runs.values()]) await journal.close();
  }
}

const service = { phase: 'service', agent_role: 'runner' } as const;

function withTimes(id: string, change: Partial<TaskRecord>, plan: string): Asked {
  const requested_at = new Date().toISOString();
  const expires_at = new Date(Date.now() + approvalMs).toISOString();
  const nonce = randomBytes(16).toString('hex');
  const { record, view } = makeWaitingTask(plan, { ...change, id }, { nonce, requested_at, expires_at });
  return { record: { ...record, state: { ...record.state, since: requested_at, expires_at } }, view };
}

function taskOf(command: Command): string | null {
  return 'task' in command.subject ? command.subject.task : null;
}
