import { setTimeout as sleep } from 'node:timers/promises';
import { decodeChunk, decodeJson } from '@countersign/contracts/frame-codec.ts';
import { type ResendFrame, ResendFrame as ResendSchema, TaskFrame } from '@countersign/contracts/frames.ts';
import type { AskedQuestion } from '@countersign/contracts/question.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { FakeSandbox } from '../../../services/runner/src/testing/fake-sandbox.ts';
import type { ScriptedRoom } from './scripted-room.ts';

/** What a sandbox made of its task. */
export type Made = {
  /** Asked before anything is made, which waits for the answer. */
  readonly asks?: AskedQuestion;
  readonly plan?: string;
  readonly stdout?: string;
  readonly bundles?: readonly { readonly head: string; readonly bytes: Buffer }[];
};
export type Scripts = (task: TaskFrame) => Made;
export type Taken = { readonly slot: string; readonly task: string; readonly mode: TaskFrame['mode'] };

const lookMs = 5;
type Held = Pick<ResendFrame, 'stdout' | 'bundles'>;

/** A sandbox that does its task at once, or as soon as what it asks is answered, holds what came of it, and looks for its runner until it is removed. */
export class ScriptedSandbox {
  readonly #slots: string;
  readonly #slot: string;
  readonly #scripts: Scripts;
  readonly #tell: (taken: Taken) => void;
  readonly #room: ScriptedRoom;
  #task: TaskFrame | null = null;
  #connection: FakeSandbox | null = null;
  #removed = false;

  constructor(slots: string, slot: string, scripts: Scripts, room: ScriptedRoom, tell: (taken: Taken) => void) {
    this.#room = room;
    this.#slots = slots;
    this.#slot = slot;
    this.#scripts = scripts;
    this.#tell = tell;
    void this.#serve();
  }

  remove(): void {
    this.#removed = true;
    this.#connection?.hangUp();
  }

  async #serve(): Promise<void> {
    while (!this.#removed) {
      try {
        await this.#converse(await FakeSandbox.connect(this.#slots, this.#slot));
      } catch {
        // Nobody listens, or the runner has died: it looks again.
      }
      await sleep(lookMs);
    }
  }

  async #converse(connection: FakeSandbox): Promise<void> {
    this.#connection = connection;
    if (this.#removed) return connection.hangUp();
    const state = this.#task === null ? 'idle' : this.#isWaiting(this.#task) ? 'busy' : 'ended';
    connection.say('hello', { protocol: 1, state, task: this.#task?.task ?? null });
    for (;;) {
      const frame = await connection.next();
      if (frame.name === 'task') await this.#begin(connection, decodeJson(frame.payload, TaskFrame));
      else if (frame.name === 'resend') await this.#deliver(connection, decodeJson(frame.payload, ResendSchema));
      else if (frame.name === 'ack') return connection.hangUp();
    }
  }

  async #begin(connection: FakeSandbox, task: TaskFrame): Promise<void> {
    for (let texts = 0; texts < task.texts; texts += 1) await connection.nextNamed('text');
    for (const { pack } of task.repositories)
      for (let bytes = 0; bytes < pack.bytes; ) bytes += decodeChunk(await connection.nextNamed('pack')).data.length;
    this.#task = task;
    this.#tell({ slot: this.#slot, task: task.task, mode: task.mode });
    const { asks } = this.#scripts(task);
    if (asks !== undefined) this.#room.ask('t1', asks);
    await this.#deliver(connection, { stdout: 0, bundles: [] });
  }

  #isWaiting(task: TaskFrame): boolean {
    return this.#scripts(task).asks !== undefined && !this.#room.isAnswered;
  }

  async #deliver(connection: FakeSandbox, held: Held): Promise<void> {
    const task = this.#task;
    if (task === null) return;
    // One that was cut meanwhile is told by the next frame that is said on it, and another one has come in its place.
    while (this.#isWaiting(task) && !this.#removed) await sleep(lookMs);
    if (this.#connection !== connection) return;
    const { plan, stdout = 'said\n', bundles = [] } = this.#scripts(task);
    const said = Buffer.from(stdout);
    if (held.stdout < said.length) connection.chunk('output', 0, said, held.stdout);
    for (const [index, { bytes }] of bundles.entries()) {
      const from = held.bundles[index] ?? 0;
      if (from < bytes.length) connection.chunk('bundle', index, bytes, from);
    }
    if (plan !== undefined) connection.text('plan', plan);
    if (task.mode === 'run') connection.text('summary', 'did it');
    connection.say('end', {
      task: task.task,
      exit_code: task.mode === 'verify' ? null : 0,
      reason: 'finished',
      message: 'finished',
      tokens: { prompt: 1, completion: 2, requests: 3 },
      stdout: { ...blobOf(said), dropped: 0 },
      stderr: { ...blobOf(Buffer.alloc(0)), dropped: 0 },
      bundles: bundles.map(({ head, bytes }, repository) => ({ repository, head, ...blobOf(bytes) })),
      artifacts: [],
      ...(task.mode === 'verify'
        ? { checks: (task.conditions ?? []).map(() => ({ exit_code: 0, duration_ms: 1 })) }
        : {}),
    });
  }
}

function blobOf(data: Buffer): { bytes: number; sha256: string } {
  return { bytes: data.length, sha256: sha256(data) };
}
