import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from '@countersign/contracts/command.ts';
import type { MergeApproval } from '@countersign/contracts/task-record.ts';
import type { writeFileAtomic } from '@countersign/kit/files.ts';
import { RateBudget } from '@countersign/kit/rate-budget.ts';
import { makeReviewTask, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { FollowLoop } from '../journals/follow-loop.ts';
import { listenerLimits } from '../limits.ts';
import { remindOfLateVerdicts } from '../outbox/late-verdicts.ts';
import { nextEdit } from '../outbox/next-edit.ts';
import { FilePosts } from '../outbox/post-file.ts';
import { sendLoop } from '../outbox/send-loop.ts';
import { Patience } from '../patience.ts';
import { CommandWriter } from '../room/command-writer.ts';
import { SyncLoop } from '../room/sync-loop.ts';
import { takeIn } from '../room/take-in.ts';
import { StateFile } from '../state/state-file.ts';
import { Troubles } from '../troubles.ts';
import { makeAnnouncing, makeCalling } from './announcing.ts';
import { TestJournals } from './journals.ts';
import { keptLog } from './kept-log.ts';
import { bot, operator, room, saidAt } from './room-events.ts';
import { scratchFolder } from './scratch.ts';
import { fits, type Standing } from './standing.ts';
import { TestRoom } from './test-room.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const since = '2026-11-20T10:00:00.000Z';

/** The listener was killed at the step that it was to be killed at. */
class Killed extends Error {}

/** When the listener is killed: before or after its so-and-so-manieth step that the world can see. */
export type Death = { readonly step: number; readonly when: 'before' | 'after' };

/** One life of the listener, from its start on what the disk holds. Its parts are turned by hand, so that a test chooses the order. */
class Life {
  readonly #world: World;
  readonly #stop = new AbortController();
  readonly #state: StateFile;
  readonly #sync: SyncLoop;
  readonly #follow: FollowLoop;
  readonly #troubles = new Troubles();
  readonly #logger = keptLog().logger;
  #isCaughtUp = false;

  constructor(world: World, state: StateFile, write: typeof writeFileAtomic) {
    this.#world = world;
    this.#state = state;
    const [troubles, logger] = [this.#troubles, this.#logger];
    const announcing = makeAnnouncing(world.volumes, { now: world.tick });
    this.#follow = new FollowLoop({ state, announcing, calling: makeCalling(), troubles, logger, now: world.tick });
    const commands = new CommandWriter(world.spool, privateKey, world.tick, write);
    const surroundings = { room, bot, approvers: new Set<string>([operator]), codeGivers: new Set<string>([operator]) };
    const lines = new RateBudget(listenerLimits.logLines, listenerLimits.logWindowMs);
    const parts = {
      state,
      commands,
      strangers: new RateBudget(listenerLimits.strangerAnswers, listenerLimits.strangerWindowMs),
      questions: new RateBudget(listenerLimits.questionAnswers, listenerLimits.questionWindowMs),
      download: () => Promise.reject(new Error('nobody attaches anything')),
      patience: new Patience(),
      answering: { volumes: world.volumes, trouble: () => '', now: world.tick },
      lines,
      surroundings,
      logger,
      now: world.tick,
    };
    this.#sync = new SyncLoop({
      room,
      bot,
      state,
      homeserver: world.room,
      takeIn: (events, reached) => takeIn(parts, events, reached),
      troubles,
      logger,
    });
  }

  kill(): void {
    this.#stop.abort();
  }

  get isDead(): boolean {
    return this.#stop.signal.aborted;
  }

  async follow(): Promise<void> {
    await this.#follow.turn();
  }

  async hear(): Promise<void> {
    await this.#sync.turn(0, this.#stop.signal);
    this.#isCaughtUp = true;
  }

  async remind(now: number): Promise<void> {
    await remindOfLateVerdicts(this.#state, now);
  }

  get #hasToSend(): boolean {
    const { now } = this.#state;
    return now.outgoing.length > 0 || !('inMs' in nextEdit(now, this.#world.now));
  }

  /** Sends until nothing waits; as in the service, not before the room was read once. */
  async send(): Promise<void> {
    if (!this.#isCaughtUp) return;
    const idle = new AbortController();
    const stop = AbortSignal.any([this.#stop.signal, idle.signal]);
    const homeserver = {
      send: (...args: Parameters<TestRoom['send']>) => this.#world.step(() => this.#world.room.send(...args)),
    };
    const upload = (name: string) => this.#world.step(() => this.#world.room.upload(name));
    const files = new FilePosts({ volumes: this.#world.volumes, homeserver: { upload, answers: 0 } });
    // Nobody waits between two edits.
    let elapsed = 0;
    const clock = () => (elapsed += listenerLimits.editPauseMs);
    const sending = sendLoop(
      {
        state: this.#state,
        homeserver,
        files,
        troubles: this.#troubles,
        logger: this.#logger,
        now: this.#world.tick,
        clock,
      },
      stop,
    );
    while (!this.isDead && this.#hasToSend) await Promise.race([once(this.#state.changed, 'abort'), sending]);
    idle.abort();
    await sending;
    if (this.isDead) throw new Killed();
  }
}

/** Disk, room and runner around a listener that can be killed at any step and started again on what it left. */
export class World {
  readonly room = new TestRoom();
  readonly volumes = scratchFolder();
  readonly spool = scratchFolder();
  /** Every command that ever was in the spool, as often as it was written. */
  readonly written: Command[] = [];
  readonly #folder = scratchFolder();
  readonly #journals = new TestJournals(this.volumes);
  readonly #tasks = new Map<string, Standing>();
  readonly #decided = new Map<string, string>();
  readonly #digests = new Set<string>();
  #now = saidAt;
  #life: Life | null = null;
  #death: Death | null;
  steps = 0;
  /** What the runner says to a merge that it took: that the target is dirty. */
  isDirty = false;

  constructor(death: Death | null = null) {
    this.#death = death;
    mkdirSync(join(this.volumes, 'runs'));
  }

  readonly tick = (): number => ++this.#now;

  get now(): number {
    return this.#now;
  }

  /** The next death, counted from now on. */
  dieAt(death: Death): void {
    this.#death = { ...death, step: this.steps + death.step };
  }

  /** A step of the listener that is seen outside of it: a file that is replaced, a message that is sent. */
  async step<Result>(act: () => Result | Promise<Result>): Promise<Result> {
    if (this.#life?.isDead === true) throw new Killed();
    this.steps += 1;
    const isLast = this.#death?.step === this.steps;
    if (isLast && this.#death?.when === 'before') return this.#kill();
    const result = await act();
    return isLast ? this.#kill() : result;
  }

  #kill(): never {
    this.#death = null;
    this.#life?.kill();
    throw new Killed();
  }

  /** Does something with the listener, started anew when it is dead. */
  async live(act: (life: Life) => Promise<void>): Promise<void> {
    if (this.#life?.isDead !== false) await this.restart();
    try {
      if (this.#life !== null) await act(this.#life);
    } catch (error) {
      if (this.#life?.isDead !== true) throw error;
    }
  }

  async restart(): Promise<void> {
    this.#life?.kill();
    const write: typeof writeFileAtomic = (path, data) =>
      this.step(() => {
        writeFileSync(path, data);
        if (path.startsWith(this.spool)) this.written.push(Command.parse(JSON.parse(String(data))));
      });
    this.#life = new Life(this, await StateFile.open(this.#folder, room, bot, write), write);
  }

  /** Everything that the listener has to do now. */
  async turn(): Promise<void> {
    await this.live((life) => life.follow());
    await this.live((life) => life.hear());
    await this.live((life) => life.send());
  }

  /** Turns until nothing more comes of it. */
  async settle(): Promise<void> {
    for (let quiet = 0, seen = -1; quiet < 3; ) {
      await this.runner();
      await this.turn();
      const done = this.steps + this.room.timeline.length;
      quiet = done === seen ? quiet + 1 : 0;
      seen = done;
    }
  }

  /** The runner asks for a task's approval, anew when it did before; gives the digest. */
  async ask(id: string, plan = 'the plan'): Promise<string> {
    if (this.#tasks.has(id))
      await this.#journals.says(
        'task_requeued',
        makeRecord({ status: 'queued', wait: null, since, reason: '' }, { id }),
      );
    const task = makeWaitingTask(plan, { id });
    await writeWaitingTask(this.volumes, task);
    this.#tasks.set(id, { digest: task.view.digest, status: 'pending', record: task.record });
    await this.#journals.says('approval_requested', task.record);
    return task.view.digest;
  }

  /** A task has done its work, and its result waits to be merged; gives the digest. */
  async finish(id: string, patch = '+one'): Promise<string> {
    const task = makeReviewTask({
      record: { id, stage: 'dev' },
      patches: { demo: patch },
      agent: { what: 'merge cc' },
    });
    await writeReviewTask(this.volumes, task);
    this.#tasks.set(id, { digest: task.result.digest, status: 'review', record: task.record, review: task });
    this.#digests.add(task.result.digest);
    await this.#journals.says('review_requested', task.record);
    return task.result.digest;
  }

  async line(text: string): Promise<void> {
    await this.#journals.append(null, { event: 'message', summary: text });
  }

  /** The runner takes the spool: each command once, the verdict before its effect. */
  async runner(): Promise<void> {
    for (const name of readdirSync(this.spool).sort()) {
      const path = join(this.spool, name);
      const command = Command.parse(JSON.parse(readFileSync(path, 'utf8')));
      if (!this.#decided.has(command.id)) await this.#decide(command);
      unlinkSync(path);
    }
  }

  async #decide({ id, kind, subject, actor, evidence }: Command): Promise<void> {
    const name = 'task' in subject ? subject.task.replace(/\.md$/, '') : '';
    const task = this.#tasks.get(name);
    const accepted = task === undefined ? kind === 'pause' || kind === 'resume' : fits(kind, subject, task);
    this.#decided.set(id, accepted ? `${kind} ${name}`.trim() : 'refused');
    await this.#journals.append(null, {
      event: accepted ? 'command_accepted' : 'command_refused',
      summary: `${kind} ${name}`.trim(),
      ...(task === undefined ? {} : { task_id: task.record.id }),
      data: { command: id, kind, ...actor, evidence },
    });
    if (!accepted) return;
    if (task === undefined) {
      const event = kind === 'pause' ? 'queue_paused' : 'queue_resumed';
      return this.#journals.append(null, { event, summary: kind, data: { command_id: id } });
    }
    const approval = { command: id, digest: task.digest, ...actor, evidence, decided_at: since };
    switch (kind) {
      case 'approve': {
        task.status = 'approved';
        task.approval = id;
        const state = {
          status: 'approved' as const,
          wait: null,
          since,
          reason: '',
          approval: { ...approval, expires_at: since },
        };
        return this.#journals.says('task_approved', makeRecord(state, { id: name }), id);
      }
      case 'reject': {
        task.status = 'rejected';
        const state = { status: 'rejected' as const, since, reason: '' };
        return this.#journals.says('task_rejected', makeRecord(state, { id: name }), id);
      }
      case 'revoke':
        task.status = 'pending';
        return this.#journals.says('approval_revoked', task.record, id);
      case 'cancel': {
        task.status = 'cancelled';
        const state = { status: 'cancelled' as const, since, reason: 'as was asked' };
        const cancellation = { command: id, channel: actor.channel, user: actor.user, reason: '', at: since };
        return this.#journals.says('task_ended', makeRecord(state, { id: name, cancellation }), id);
      }
      case 'merge':
        return this.#merge(name, task, { ...approval, unverified: true });
      case 'rebase':
        return this.#rebase(name, task);
      case 'retry':
      case 'pause':
      case 'resume':
      case 'submit':
      case 'send':
      case 'clean':
        throw new Error('nothing of these is accepted about a task');
    }
  }

  async #merge(id: string, task: Standing, merged: MergeApproval): Promise<void> {
    if (task.review === undefined) throw new Error('only a result is merged');
    const { record, result } = task.review;
    const merging = { status: 'merging' as const, wait: null, since, reason: '', result, approval: merged };
    await this.#journals.says('merge_started', { ...record, state: merging }, merged.command ?? undefined);
    if (this.isDirty) {
      const refusals = [{ code: 'dirty' as const, repository: 'demo', message: 'a.txt is changed', names: ['a.txt'] }];
      return this.#journals.says('merge_refused', { ...record, state: { ...record.state, refusals } });
    }
    this.#tasks.set(id, { ...task, status: 'merged' });
    const { verification } = result;
    const done = { status: 'done' as const, since, reason: 'merged into demo main', result, merged, verification };
    await this.#journals.says('merge_ended', { ...record, state: done });
  }

  async #rebase(id: string, task: Standing): Promise<void> {
    if (task.review === undefined) throw new Error('only a result is carried over');
    const { record, result, patches } = task.review;
    const rebasing = { status: 'rebasing' as const, wait: null, since, reason: '', attempt: 2, result };
    await this.#journals.says('rebase_started', { ...record, state: rebasing });
    await this.finish(id, `${patches.get('demo')}+`);
  }

  /** Of a result, by how it begins. */
  digestOf(short: string): string {
    return [...this.#digests].find((digest) => digest.startsWith(short)) ?? 'unknown';
  }

  verdictOn(command: string): string {
    return this.#decided.get(command) ?? 'none';
  }

  /** What the runner decided on commands, in its order. */
  get decided(): readonly string[] {
    return [...this.#decided.values()];
  }
}
