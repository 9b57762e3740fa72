import { lstat, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '@countersign/contracts/command.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { isMissing, writeFileAtomic } from '@countersign/kit/files.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import type { Context } from '../context.ts';
import { authorise, resolveTask } from '../gate/authorise.ts';
import type { Keys } from '../gate/keys.ts';
import { readCommand } from '../gate/read-command.ts';
import { isTaskFileName, withSuffix } from '../queue/file-name.ts';

type Verdict = {
  readonly accepted: boolean;
  readonly reason: string;
  readonly task?: string;
  readonly run?: string;
  readonly act?: () => Promise<void>;
};

/**
 * Takes commands out of the spools. Invariant: the verdict is durable before the command has any effect, and its file goes last;
 * so a command that is found again was decided already, and only what is missing of its effect is done.
 */
export class CommandDesk {
  readonly #context: Context;
  readonly #keys: Keys;
  /** Every command that has its verdict, and whether it was accepted. */
  readonly #decided = new Map<string, boolean>();

  private constructor(context: Context, keys: Keys) {
    this.#context = context;
    this.#keys = keys;
  }

  static async open(context: Context, keys: Keys): Promise<CommandDesk> {
    const desk = new CommandDesk(context, keys);
    for (const event of parseJournal(context.journal.path, await readFile(context.journal.path, 'utf8'))) {
      const id = event.data?.['command'];
      if (typeof id === 'string') desk.#decided.set(id, event.event === 'command_accepted');
    }
    return desk;
  }

  /** Handles every command that is there, oldest name first. */
  async turn(): Promise<void> {
    for (const channel of await readdir(this.#context.config.spools)) {
      const folder = join(this.#context.config.spools, channel);
      for (const name of (await readdir(folder)).sort()) {
        if (name.endsWith('.json') && !name.startsWith('.')) await this.#handle(join(folder, name), channel);
      }
    }
  }

  async #handle(path: string, channel: string): Promise<void> {
    const found = await stat(path);
    const read =
      found.isFile() && found.size <= commandLimits.fileBytes
        ? readCommand(await readFile(path), channel, this.#keys, this.#context.now())
        : { ok: false as const, id: null, reason: `a command is a file of at most ${commandLimits.fileBytes} bytes` };
    if (!read.ok) {
      if (read.id === null || !this.#decided.has(read.id))
        await this.#say(read.id, { accepted: false, reason: read.reason });
    } else await this.#decide(read.command);
    await unlink(path);
  }

  async #decide(command: Command): Promise<void> {
    const before = this.#decided.get(command.id);
    if (before === false) return;
    const verdict = await this.#judge(command);
    if (before === undefined) {
      await this.#say(command.id, verdict, command);
      this.#decided.set(command.id, verdict.accepted);
    }
    if (verdict.accepted) await verdict.act?.();
  }

  #judge(command: Command): Promise<Verdict> | Verdict {
    switch (command.kind) {
      case 'approve':
      case 'reject':
        return this.#judgeDecision(command);
      case 'submit':
        return this.#judgeSubmission(command);
      case 'send':
        return {
          accepted: true,
          reason: 'recorded; no Matrix listener is part of this stack yet, so nobody posts it',
          act: () => this.#message(command.id, command.subject.text),
        };
    }
  }

  #judgeDecision(command: Command & { kind: 'approve' | 'reject' }): Verdict {
    const { tasks, config, now } = this.#context;
    const found = resolveTask(command.subject.task, tasks.all());
    if (!found.ok) return { accepted: false, reason: found.reason };
    const { record } = found;
    const names = { task: record.id, run: record.run };
    const allowed = authorise(command, record, config.stages, now());
    if (!allowed.ok) return { accepted: false, reason: allowed.reason, ...names };
    const decided_at = now().toISOString();
    if (command.kind === 'reject') {
      const words = command.subject.reason || 'no reason given';
      const act = async () => {
        await tasks.transition(
          record.id,
          {
            status: 'rejected',
            since: decided_at,
            reason: `rejected by ${command.actor.user}: ${words}`.slice(0, 2_000),
          },
          {
            event: 'task_rejected',
            phase: 'gate',
            agent_role: 'operator',
            summary: `rejected: ${words}`.slice(0, 4_000),
            data: { command_id: command.id },
          },
        );
      };
      return { accepted: true, reason: `${record.id} (${record.file}) is rejected`, act, ...names };
    }
    const act = async () => {
      if (record.state.status !== 'pending') return;
      const approval = {
        command: command.id,
        digest: record.state.digest,
        channel: command.actor.channel,
        user: command.actor.user,
        evidence: command.evidence,
        decided_at,
        expires_at: record.state.expires_at,
      };
      await tasks.transition(
        record.id,
        { status: 'approved', since: decided_at, reason: 'approved; waits for its turn', approval },
        {
          event: 'task_approved',
          phase: 'gate',
          agent_role: 'operator',
          summary: `approved by ${command.actor.user} through ${command.actor.channel}`,
          data: { command_id: command.id, digest: record.state.digest },
        },
      );
    };
    return { accepted: true, reason: `${record.id} (${record.file}) is approved`, act, ...names };
  }

  async #judgeSubmission(command: Command & { kind: 'submit' }): Promise<Verdict> {
    const { file, content } = command.subject;
    if (file.includes('/') || file.includes('\0') || Buffer.byteLength(file) > 200 || !isTaskFileName(file)) {
      return {
        accepted: false,
        reason: `${JSON.stringify(file)} is no name for a task file; it ends in .md, has no / and does not begin with a dot`,
      };
    }
    const inbox = this.#context.layout.queue('inbox');
    const waiting = join(inbox, `.submitted-${command.id}`);
    if (!this.#decided.has(command.id)) await writeFileAtomic(waiting, content, 0o644);
    const name = (await isTaken(join(inbox, file))) ? withSuffix(file, command.id.slice(0, 8).toLowerCase()) : file;
    const act = async () => {
      await rename(waiting, join(inbox, name)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    };
    return { accepted: true, reason: `${name} is in the inbox`, act };
  }

  async #message(command: string, text: string): Promise<void> {
    await this.#context.journal.append({
      phase: 'service',
      agent_role: 'operator',
      event: 'message',
      summary: text,
      data: { command_id: command },
    });
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
        ...(command === undefined
          ? {}
          : {
              kind: command.kind,
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

async function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
