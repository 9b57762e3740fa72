import { randomBytes } from 'node:crypto';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import { questionLimits } from '@countersign/contracts/limits.ts';
import type { SlotId, TaskId } from '@countersign/contracts/names.ts';
import type { Answer, AskedQuestion, Question } from '@countersign/contracts/question.ts';
import { openQuestion, type TaskRecord, type TaskState } from '@countersign/contracts/task-record.ts';
import type { Post, PostRefusal, RoomEvent } from '@countersign/contracts/task-room.ts';
import type { RunStore } from '../state/run-store.ts';
import type { EventDetail, TaskStore } from '../state/task-store.ts';
import { OneAtATime } from '../work/one-at-a-time.ts';
import { readThread, roomEvents } from './thread.ts';

type Running = TaskState & { status: 'running' };
type Thread = { readonly attempt: number; readonly questions: readonly Question[] };

type Parts = {
  readonly tasks: TaskStore;
  readonly runs: RunStore;
  readonly now: () => Date;
  /** Told of the slot of a task whose room has more in it now. */
  readonly changed: (slot: SlotId) => void;
};

/**
 * What tools ask, and what they are told. Invariants: a question and its end are durable before any tool hears of them; the newest
 * one stands in its task's record; of one task at most one is open; of two ends the first one counts, and silence is never a yes.
 * An answer is data for a tool: nothing here approves, begins or merges anything.
 */
export class Questions {
  readonly #parts: Parts;
  readonly #alone = new OneAtATime();
  readonly #threads = new Map<TaskId, Thread>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What stands in the room of a task that runs; nothing where it does not. @throws JournalError */
  room(id: TaskId): Promise<RoomEvent[]> {
    return this.#alone.run(async () => {
      const running = this.#running(id);
      return running === null ? [] : roomEvents(await this.#thread(id, running.state));
    });
  }

  /** Writes down what a task's tool asks, or says why it is not asked. A transaction that is written down already stays what it was. */
  take(id: TaskId, { transaction, question: asked }: Post): Promise<PostRefusal | null> {
    return this.#alone.run(async () => {
      const running = this.#running(id);
      if (running === null) return refuse(transaction, 'M_FORBIDDEN', 'nobody is asked now: the work has ended');
      const before = await this.#thread(id, running.state);
      if (before.some((question) => question.transaction === transaction)) return null;
      if (openQuestion(running.record) !== null)
        return refuse(transaction, 'M_LIMIT_EXCEEDED', 'one question at a time: another one waits for its answer');
      if (before.length >= questionLimits.questions)
        return refuse(transaction, 'M_LIMIT_EXCEEDED', `${questionLimits.questions} questions were asked already`);
      const question = this.#newQuestion(running.record, transaction, asked, before.length + 1);
      const { text, deadline } = question;
      const reason = `waits for an answer until ${deadline}: ${JSON.stringify(text)}`;
      const wait = { kind: 'answer' as const, since: question.asked_at, on: [] };
      await this.#restate(id, (state) => ({ ...state, question, wait, reason: cut(reason, 500) }), {
        event: 'question_asked',
        phase: 'run',
        agent_role: 'coder',
        summary: cut(`asks, until ${deadline}: ${JSON.stringify(text)}`, 4_000),
        data: { question: question.id },
      });
      return null;
    });
  }

  /** Ends the open question of a task, if it is this one. Safe to repeat. Returns whether that ended it. */
  end(
    id: TaskId,
    question: Question['id'],
    answer: Answer,
    detail: Pick<EventDetail, 'agent_role' | 'summary' | 'data'>,
  ) {
    return this.#alone.run(async () => {
      const running = this.#running(id);
      if (running === null || openQuestion(running.record)?.id !== question) return false;
      // Before the end is written down: what was asked until then is read from the same journal.
      await this.#thread(id, running.state);
      const { model } = running.record;
      const reason = model === null ? 'running' : `running with ${model.name}`;
      const ended = (state: Running): Running => ({
        ...state,
        question: state.question && { ...state.question, answer },
        wait: null,
        reason,
      });
      await this.#restate(id, ended, {
        event: 'question_ended',
        phase: 'run',
        ...detail,
        data: { ...detail.data, question, outcome: answer.outcome },
      });
      if (running.state.slot !== null) this.#parts.changed(running.state.slot);
      return true;
    });
  }

  /** Nobody is there any more to be answered. */
  async withdraw(id: TaskId): Promise<void> {
    const open = this.#open(id);
    const at = this.#parts.now().toISOString();
    if (open !== null)
      await this.end(
        id,
        open.id,
        { outcome: 'withdrawn', at },
        { agent_role: 'runner', summary: 'nobody waits for the answer any more' },
      );
  }

  /**
   * Ends what nobody has answered in time: by its default, or by having the attempt stopped.
   * @param stop told of each task whose question came to that, also in a run of the runner before this one
   */
  async turn(stop: (id: TaskId) => void): Promise<void> {
    const now = this.#parts.now();
    for (const id of this.#threads.keys()) if (this.#running(id) === null) this.#threads.delete(id);
    for (const { id } of this.#parts.tasks.open()) {
      const open = this.#open(id);
      if (open !== null && now.getTime() >= Date.parse(open.deadline)) await this.#endInSilence(id, open, now);
      if (this.cameToStop(id)) stop(id);
    }
  }

  /** Whether nobody answered what a task that runs asked last, and it had no default. */
  cameToStop(id: TaskId): boolean {
    return this.#running(id)?.state.question?.answer?.outcome === 'stopped';
  }

  async #endInSilence(id: TaskId, { id: question, default: silence }: Question, now: Date): Promise<void> {
    const at = now.toISOString();
    const agent_role = 'runner' as const;
    if (silence === null)
      await this.end(
        id,
        question,
        { outcome: 'stopped', at },
        { agent_role, summary: 'nobody answered in time, and there is no default: it is stopped' },
      );
    else
      await this.end(
        id,
        question,
        { outcome: 'default', text: silence, at },
        { agent_role, summary: cut(`nobody answered in time; the default is ${JSON.stringify(silence)}`, 4_000) },
      );
  }

  #newQuestion(record: TaskRecord, transaction: string, asked: AskedQuestion, number: number): Question {
    const now = this.#parts.now().getTime();
    const end = Date.parse(record.state.since) + record.timeout_sec * 1_000;
    return {
      id: randomBytes(8).toString('hex'),
      transaction,
      number,
      // Spelt out, a text may be longer than it was.
      text: cut(inertLines(asked.text).join('\n'), questionLimits.textCharacters),
      options: asked.options,
      default: asked.default,
      asked_at: new Date(now).toISOString(),
      deadline: new Date(Math.min(now + asked.deadline_sec * 1_000, end)).toISOString(),
      answer: null,
    };
  }

  /** One change of the record, and of what is known of the thread. */
  async #restate(id: TaskId, change: (state: Running) => Running, detail: EventDetail): Promise<void> {
    const { state } = await this.#parts.tasks.restate(id, change, detail);
    const { question, attempt } = state;
    if (question === null) return;
    const others = (this.#threads.get(id)?.questions ?? []).filter((one) => one.id !== question.id);
    this.#threads.set(id, { attempt, questions: [...others, question] });
  }

  /** What the attempt asked so far: read once, and only where something was asked before this process began. */
  async #thread(id: TaskId, { attempt, question }: Running): Promise<readonly Question[]> {
    const known = this.#threads.get(id);
    if (known?.attempt === attempt) return known.questions;
    const record = this.#parts.tasks.get(id);
    if (question === null || record === undefined) return [];
    const { path } = await this.#parts.runs.journal(record.run);
    const questions = await readThread(path, id, attempt);
    this.#threads.set(id, { attempt, questions });
    return questions;
  }

  #running(id: TaskId): { readonly record: TaskRecord; readonly state: Running } | null {
    const record = this.#parts.tasks.get(id);
    return record?.state.status === 'running' ? { record, state: record.state } : null;
  }

  #open(id: TaskId): Question | null {
    const record = this.#parts.tasks.get(id);
    return record === undefined ? null : openQuestion(record);
  }
}

function refuse(transaction: string, errcode: PostRefusal['errcode'], reason: string): PostRefusal {
  return { transaction, errcode, reason };
}

/** Never in the middle of a character. */
function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
