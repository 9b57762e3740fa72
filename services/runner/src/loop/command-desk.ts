import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { type Command, kindsOf } from '@countersign/contracts/command.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import { formatProblems } from '@countersign/contracts/problem.ts';
import { isTaskFileName } from '@countersign/contracts/task-file/file-name.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { readJournal } from '@countersign/kit/journal.ts';
import type { Context } from '../context.ts';
import { authorise, type Decision, needsCode, resolveTask } from '../gate/authorise.ts';
import {
  authoriseControl,
  authoriseQueueOrder,
  type QueueOrder,
  resolveControlled,
  type TaskControl,
} from '../gate/authorise-control.ts';
import { authoriseSubmission, type Submission } from '../gate/authorise-submission.ts';
import { readCodeSeed } from '../gate/code-seed.ts';
import type { Keys } from '../gate/keys.ts';
import { type ReadCommand, readCommand } from '../gate/read-command.ts';
import type { CodeFact, CodeVerdict, SecondFactor } from '../gate/second-factor.ts';
import { checkTask } from '../queue/check-task.ts';
import { withSuffix } from '../queue/file-name.ts';
import { readIfPresent } from '../queue/observe.ts';
import { controlEffectOf, queueEffectOf } from './act-on-control.ts';
import { effectOf } from './act-on-decision.ts';
import { cleanUp } from './clean-up.ts';
import type { Decided, OwnPast } from './own-past.ts';
import { type SpoolEntry, Spools } from './spools.ts';

type Verdict = {
  readonly accepted: boolean;
  readonly reason: string;
  readonly task?: string;
  readonly run?: string;
  /** Of a one-time code that was looked at. */
  readonly secondFactor?: CodeFact;
  readonly act?: () => Promise<void>;
};

type IsActive = (task: TaskId) => boolean;

/**
 * Takes commands out of the spools. Invariant: the verdict is durable before the command has any effect, and its file goes last;
 * so a command that is found again was decided already, and only what is missing of its effect is done. Whatever else lies in
 * a spool is set aside and holds up nothing.
 */
export class CommandDesk {
  readonly #context: Context;
  readonly #keys: Keys;
  readonly #isActive: IsActive;
  readonly #spools: Spools;
  readonly #secondFactor: SecondFactor;
  /** Every command that has its verdict: whether it was accepted, and what it was. */
  readonly #decided: Map<string, Decided>;
  /** Commands whose own event is in the journal. */
  readonly #posted: Set<string>;

  /**
   * @param past what was decided before; the desk goes on from it
   * @param isActive whether something is at work on a task right now
   */
  constructor(
    context: Context,
    keys: Keys,
    { decided, posted, secondFactor }: Pick<OwnPast, 'decided' | 'posted' | 'secondFactor'>,
    isActive: IsActive = () => false,
  ) {
    this.#context = context;
    this.#keys = keys;
    this.#isActive = isActive;
    this.#decided = decided;
    this.#posted = posted;
    this.#secondFactor = secondFactor;
    this.#spools = new Spools(context.config.spools, context.logger, context.troubles);
  }

  /** Handles every command that is there, oldest name first. */
  async turn(): Promise<void> {
    for (const entry of await this.#spools.list()) {
      try {
        await this.#handle(entry);
      } catch (error) {
        this.#context.troubles.say(entry.path, error);
      }
    }
  }

  async #handle(entry: SpoolEntry): Promise<void> {
    const file = await readIfPresent(entry.path, commandLimits.fileBytes);
    if (file === null) return;
    if (!file.ok) {
      const reason = `${JSON.stringify(basename(entry.path))}: a command is a readable file of at most ${commandLimits.fileBytes} bytes`;
      await this.#say(null, { accepted: false, reason });
      return this.#spools.setAside(entry);
    }
    const isDecided = (id: string) => this.#decided.has(id);
    const read = readCommand(file.bytes, entry.channel, this.#keys, this.#context.now(), isDecided);
    if (read.ok) await this.#decide(read.command);
    else if (read.id === null || !isDecided(read.id)) await this.#refuse(read);
    await this.#spools.remove(entry);
  }

  async #decide(command: Command): Promise<void> {
    const before = this.#decided.get(command.id);
    const meaning = meaningOf(command);
    // What was decided under an id is what it stays: another command of that id is none.
    if (before !== undefined && (!before.accepted || (before.meaning ?? meaning) !== meaning)) return;
    if (before !== undefined && (await this.#wasCarriedOut(command))) return;
    const verdict = await this.#judge(command);
    if (before === undefined) {
      await this.#say(command.id, verdict, command);
      this.#decided.set(command.id, { accepted: verdict.accepted, meaning });
    }
    if (verdict.accepted) await verdict.act?.();
  }

  /** A refused merge leads back to where it could be asked for again: the same command must not ask twice. */
  async #wasCarriedOut({ id, kind, subject }: Command): Promise<boolean> {
    if (kind === 'pause' || kind === 'resume') return this.#context.queue.hasCarriedOut(id);
    if (!oncePerTask.has(kind) || !('task' in subject)) return false;
    const found = resolveTask(subject.task, this.#context.tasks.all(), () => true);
    if (!found.ok) return false;
    const { path } = await this.#context.runs.journal(found.record.run);
    let isThere = false;
    await readJournal(path, ({ data }) => {
      isThere ||= data?.['command_id'] === id;
    });
    return isThere;
  }

  async #refuse({ id, command, reason }: ReadCommand & { ok: false }): Promise<void> {
    await this.#say(id, { accepted: false, reason }, command ?? undefined);
    if (command !== null) this.#decided.set(command.id, { accepted: false, meaning: meaningOf(command) });
  }

  #judge(command: Command): Promise<Verdict> | Verdict {
    const { channel } = command.actor;
    if (!kindsOf[channel].includes(command.kind))
      return { accepted: false, reason: `${command.kind} is not taken from ${channel}` };
    switch (command.kind) {
      case 'approve':
      case 'reject':
      case 'merge':
      case 'rebase':
        return this.#judgeDecision(command);
      case 'submit':
        return this.#judgeSubmission(command);
      case 'clean':
        return {
          accepted: true,
          reason: 'raw output and leftovers of ended tasks are removed; what was removed is told in the journal',
          act: () => this.#clean(command),
        };
      case 'cancel':
      case 'retry':
      case 'revoke':
      case 'answer':
        return this.#judgeControl(command);
      case 'pause':
      case 'resume':
        return this.#judgeQueueOrder(command);
      case 'send':
        return {
          accepted: true,
          reason: 'recorded; the Matrix listener posts it',
          act: () => this.#message(command.id, command.subject.text),
        };
    }
  }

  async #judgeDecision(command: Decision): Promise<Verdict> {
    const { tasks, config, now } = this.#context;
    const found = resolveTask(command.subject.task, tasks.all());
    if (!found.ok) return { accepted: false, reason: found.reason };
    const { record } = found;
    const names = { task: record.id, run: record.run };
    const allowed = authorise(command, record, config.stages, now());
    if (!allowed.ok) return { accepted: false, reason: allowed.reason, ...names };
    // Activities begin after this desk's turn: what is not being started now cannot begin before the verdict has its effect.
    if (record.state.status === 'approved' && this.#isActive(record.id))
      return { accepted: false, reason: `${record.id} is being started; it can no longer be rejected`, ...names };
    const code = await this.#judgeCode(command, record);
    if (!code.ok) return { accepted: false, reason: code.reason, ...names, ...noted(code.fact) };
    const { said, act } = effectOf(this.#context, command, record);
    return { accepted: true, reason: said, act, ...names, ...noted(code.fact) };
  }

  /** After everything else: a code that is given for nothing is neither spent nor told to be right. */
  async #judgeCode(command: Command, record: TaskRecord): Promise<CodeVerdict> {
    // Of a command that has its verdict the code was good; by now it has expired.
    if (!needsCode(command, record) || this.#decided.has(command.id)) return { ok: true, fact: null };
    const seed = await readCodeSeed(this.#context.config.secrets);
    const code = 'code' in command ? command.code : undefined;
    return this.#secondFactor.judge(code, command.id, seed, this.#context.now(), new Date(command.issued_at));
  }

  async #judgeControl(command: TaskControl): Promise<Verdict> {
    const { tasks, config } = this.#context;
    const found = resolveControlled(command, tasks.all());
    if (!found.ok) return { accepted: false, reason: found.reason };
    const { record } = found;
    const names = { task: record.id, run: record.run };
    const allowed = authoriseControl(command, record, config.stages, this.#isActive(record.id));
    // One that was accepted is owed, also where the task was handed over to its merge before it was carried out.
    const isOwed = command.kind === 'cancel' && this.#decided.has(command.id);
    if (!allowed.ok && !isOwed) return { accepted: false, reason: allowed.reason, ...names };
    const code = await this.#judgeCode(command, record);
    if (!code.ok) return { accepted: false, reason: code.reason, ...names, ...noted(code.fact) };
    const { said, act } = controlEffectOf(this.#context, command, record);
    return { accepted: true, reason: said, act, ...names, ...noted(code.fact) };
  }

  #judgeQueueOrder(command: QueueOrder): Verdict {
    const { queue, config } = this.#context;
    const allowed = authoriseQueueOrder(command, config.stages, queue.paused);
    if (!allowed.ok) return { accepted: false, reason: allowed.reason };
    const { said, act } = queueEffectOf(this.#context, command);
    return { accepted: true, reason: said, act };
  }

  async #judgeSubmission(command: Submission): Promise<Verdict> {
    const { file, content } = command.subject;
    if (file.includes('/') || file.includes('\0') || Buffer.byteLength(file) > 200 || !isTaskFileName(file)) {
      return {
        accepted: false,
        reason: `${JSON.stringify(file)} is no name for a task file; it ends in .md, has no / and does not begin with a dot`,
      };
    }
    const problem = command.actor.channel === 'matrix' ? await this.#problemOfWords(command) : null;
    if (problem !== null) return { accepted: false, reason: problem };
    const inbox = this.#context.layout.queue('inbox');
    const waiting = join(inbox, `.submitted-${command.id}`);
    if (!this.#decided.has(command.id)) await writeFileAtomic(waiting, content, 0o644);
    const other = withSuffix(file, sha256(command.id).slice(0, 8));
    const name = (await exists(join(inbox, file))) ? other : file;
    const act = async () => {
      // Somebody may have dropped a file of this name while the verdict was written.
      const free = (await exists(join(inbox, name))) ? other : name;
      await rename(waiting, join(inbox, free)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      // Before the command's own file goes: nothing else would ever put this one where it belongs.
      await syncFolder(inbox);
    };
    return { accepted: true, reason: `${name} is in the inbox`, act };
  }

  /** Who submits from the room sees no folder of refused files: what is wrong is the verdict. */
  async #problemOfWords(command: Submission): Promise<string | null> {
    // What was accepted stays so; only what is missing of its effect is done.
    if (this.#decided.has(command.id)) return null;
    const { file, content } = command.subject;
    const parsed = parseTaskFile(Buffer.from(content));
    if (!parsed.ok) return formatProblems(file, parsed.problems);
    const allowed = authoriseSubmission(command, parsed.file, this.#context.config.stages);
    if (!allowed.ok) return allowed.reason;
    const problems = await checkTask(this.#context, parsed.file);
    return problems.length === 0 ? null : problems.map(({ message }) => message).join('; ');
  }

  async #clean({ id, subject }: Command & { kind: 'clean' }): Promise<void> {
    if (this.#posted.has(id)) return;
    const { items, bytes } = await cleanUp(this.#context, subject.older_than_days);
    await this.#context.journal.append({
      phase: 'service',
      agent_role: 'operator',
      event: 'cleaned_up',
      summary: `removed ${items} files and folders of ended tasks, ${bytes} bytes`,
      data: { command_id: id, items, bytes },
    });
    this.#posted.add(id);
  }

  async #message(command: string, text: string): Promise<void> {
    if (this.#posted.has(command)) return;
    await this.#context.journal.append({
      phase: 'service',
      agent_role: 'operator',
      event: 'message',
      summary: text,
      data: { command_id: command },
    });
    this.#posted.add(command);
  }

  async #say(id: string | null, verdict: Verdict, command?: Command): Promise<void> {
    await this.#context.journal.append({
      ...(verdict.run === undefined ? {} : { run_id: verdict.run }),
      ...(verdict.task === undefined ? {} : { task_id: verdict.task }),
      phase: 'gate',
      agent_role: 'operator',
      event: verdict.accepted ? 'command_accepted' : 'command_refused',
      summary: verdict.reason.slice(0, 4_000),
      data: {
        ...(id === null ? {} : { command: id }),
        ...(verdict.secondFactor === undefined ? {} : { second_factor: { ...verdict.secondFactor } }),
        ...(command === undefined
          ? {}
          : {
              kind: command.kind,
              meaning: meaningOf(command),
              channel: command.actor.channel,
              user: command.actor.user,
              evidence: command.evidence,
            }),
      },
    });
    this.#context.logger.info(
      { command: id, accepted: verdict.accepted, reason: verdict.reason },
      'a command was judged',
    );
  }
}

function noted(fact: CodeFact | null): Pick<Verdict, 'secondFactor'> {
  return fact === null ? {} : { secondFactor: fact };
}

/** What may lead back to where it could be asked for again, or be taken back. */
const oncePerTask: ReadonlySet<Command['kind']> = new Set([
  'approve',
  'reject',
  'merge',
  'rebase',
  'cancel',
  'retry',
  'revoke',
  'answer',
]);

/** Of what a command asks for and who asks, whenever it was signed. */
function meaningOf({ kind, subject, actor }: Command): string {
  return sha256(canonicalJson({ kind, subject, actor }));
}
