import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '@countersign/contracts/command.ts';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { WaitKind } from '@countersign/contracts/wait.ts';
import type { ApprovalView, Pending } from '@countersign/kit/approval-view.ts';
import { Journal } from '@countersign/kit/journal.ts';
import {
  makeReviewTask,
  type ReviewChange,
  type ReviewTask,
  writeReviewTask,
} from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import type { ListenerHome, Spooled } from './listener-home.ts';

export type Asked = { readonly record: Pending; readonly view: ApprovalView };

/** Longer than what is not worth a word. */
const waitedMs = 60_000;
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
  /** Tasks as the journal last told of them. */
  readonly #records = new Map<string, TaskRecord>();

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
  async ask(
    id: string,
    change: Partial<TaskRecord> = {},
    plan = 'Do as the task says.\n',
    expiresAfterMs = approvalMs,
  ): Promise<Asked> {
    const asked = withTimes(id, change, plan, expiresAfterMs);
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

  /** A task's result waits to be merged: its diff is on disk before the journal says so. */
  async finishes(id: string, change: ReviewChange = {}): Promise<ReviewTask> {
    const task = makeReviewTask({ ...change, record: { ...change.record, id } });
    await writeReviewTask(this.#home.path('volumes'), task);
    await this.#tell(task.record, { event: 'review_requested', agent_role: 'runner', summary: 'waits for review' });
    return task;
  }

  /** A task is at work of which the room was never asked anything. */
  async works(id: string, change: Partial<TaskRecord> = {}): Promise<TaskRecord> {
    const since = new Date().toISOString();
    const record = makeRecord(
      { status: 'running', wait: null, since, reason: '', attempt: 1, slot: null, approval: null, question: null },
      { ...change, id },
    );
    await this.#tell(record, { event: 'task_started', agent_role: 'coder', summary: 'started' });
    return record;
  }

  /** An approved task waits for something, and has done so for a while. */
  async waits(id: string, kind: WaitKind, reason: string): Promise<void> {
    const record = this.#records.get(id);
    if (record?.state.status !== 'approved') throw new Error(`${id} is not approved`);
    const since = new Date(Date.now() - waitedMs).toISOString();
    const state = { ...record.state, reason, wait: { kind, since, on: [] } };
    await this.#tell({ ...record, state }, { event: 'task_waiting', agent_role: 'runner', summary: reason });
  }

  /** What is no task's: a pause of the queue, a breaker. */
  async says(event: EventBody['event'], summary: string, data: EventBody['data'] = {}): Promise<void> {
    await this.#own.append({ phase: 'queue', agent_role: 'runner', event, summary, data });
  }

  /** Says of a command whether it counts, and takes it out of the spool. An accepted one moves its task on. */
  async judge({ path, command }: Spooled, refusal: string | null = null): Promise<void> {
    if (!this.taken.has(command.id)) {
      this.taken.set(command.id, command);
      await this.#say(command, refusal);
      if (refusal === null) await this.#act(command);
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
    const record = this.#records.get(task ?? '');
    await this.#own.append({
      ...(record === undefined ? {} : { run_id: record.run, task_id: record.id }),
      phase: 'gate',
      agent_role: 'operator',
      event: refusal === null ? 'command_accepted' : 'command_refused',
      summary: refusal ?? `${task} (${record?.file}) is ${saidOf(command.kind)}`,
      data: {
        command: command.id,
        kind: command.kind,
        channel: command.actor.channel,
        user: command.actor.user,
        evidence: command.evidence,
      },
    });
  }

  async #act(command: Command): Promise<void> {
    const id = taskOf(command) ?? '';
    const [pending, record] = [this.#waiting.get(id), this.#records.get(id)];
    if (command.kind === 'cancel' && record !== undefined) return this.#cancel(record, command);
    if (pending === undefined) return;
    if (command.kind === 'revoke')
      return this.#tell(pending, {
        event: 'approval_revoked',
        agent_role: 'operator',
        summary: 'taken back',
        data: { command_id: command.id, digest: pending.state.digest },
      });
    if (command.kind === 'approve' || command.kind === 'reject') await this.#decide(pending, command);
  }

  async #cancel(record: TaskRecord, { id, actor, subject }: Command & { kind: 'cancel' }): Promise<void> {
    const since = new Date().toISOString();
    const cancellation = { command: id, ...actor, reason: subject.reason, at: since };
    await this.#tell(
      { ...record, cancellation },
      { event: 'cancel_requested', agent_role: 'operator', summary: 'asked for', data: { command_id: id } },
    );
    const reason = `cancelled by ${actor.user} through ${actor.channel}: ${subject.reason}`;
    await this.#tell(
      { ...record, cancellation, state: { status: 'cancelled', since, reason } },
      { event: 'task_ended', agent_role: 'operator', summary: reason, data: { command_id: id } },
    );
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
    this.#records.set(record.id, record);
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

function withTimes(id: string, change: Partial<TaskRecord>, plan: string, expiresAfterMs: number): Asked {
  const requested_at = new Date().toISOString();
  const expires_at = new Date(Date.now() + expiresAfterMs).toISOString();
  const nonce = randomBytes(16).toString('hex');
  const { record, view } = makeWaitingTask(plan, { ...change, id }, { nonce, requested_at, expires_at });
  return { record: { ...record, state: { ...record.state, since: requested_at, expires_at } }, view };
}

function saidOf(kind: Command['kind']): string {
  if (kind === 'approve') return 'approved';
  return kind === 'cancel' ? 'being cancelled' : kind === 'revoke' ? 'waiting again' : 'rejected';
}

function taskOf(command: Command): string | null {
  return 'task' in command.subject ? command.subject.task : null;
}
