import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import type { CommandAnswer, Decision } from '@countersign/contracts/page-api.ts';
import { formatProblems } from '@countersign/contracts/problem.ts';
import { isSubmittedName } from '@countersign/contracts/task-file/file-name.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { type Giving, giveCommand, spoolCommand } from '@countersign/kit/command-spool.ts';
import type { writeFileAtomic } from '@countersign/kit/files.ts';
import { RequestProblem } from '../http/problem.ts';
import { dashboardLimits } from '../limits.ts';
import type { Queries } from '../queries/queries.ts';
import { askedCommand, type RunnerRequest, type ServiceRequest } from './asked-command.ts';
import type { OrderOutcome } from './service-orders.ts';
import { staleness } from './staleness.ts';

export type DeskParts = {
  readonly spool: string;
  readonly key: KeyObject;
  /** Who sits at the page; a note for the journal and no proof. */
  readonly user: string;
  readonly queries: Pick<Queries, 'task' | 'services' | 'commandVerdict'>;
  readonly orders: { order(request: ServiceRequest, giving: Giving): Promise<OrderOutcome> };
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** An override for tests of a disk that fails. */
  readonly write?: typeof writeFileAtomic;
};

/** A person's one tap: what is sent with the same key is the same tap. */
export type Tap = { readonly key: string | null; readonly session: string };

type Given = { readonly request: string; readonly answer: Promise<CommandAnswer> };

/** Makes one signed command of each tap, if what was seen is still so. */
export class CommandDesk {
  readonly #parts: DeskParts;
  /** By the command's id, the oldest first. */
  readonly #taps = new Map<string, Given>();
  #last = 0;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** @throws RequestProblem when nothing was done, and why; QueryError */
  async give(request: Decision, tap: Tap): Promise<CommandAnswer> {
    const id = tap.key === null ? randomBytes(16).toString('base64url') : commandIdOf(tap.key);
    const asked = withoutCode(request);
    const before = this.#taps.get(id);
    if (before !== undefined) {
      if (before.request === asked) return await before.answer;
      throw new RequestProblem(400, 'bad_request', 'This key was used for something else. Choose another one.');
    }
    const answer = this.#giveOnce(request, { id, evidence: `page session ${tap.session}` });
    this.#remember(id, { request: asked, answer });
    try {
      return await answer;
    } catch (error) {
      // Nothing came of it: the next one is a new one.
      this.#taps.delete(id);
      throw error;
    }
  }

  /** What came of a command. */
  async verdict(id: string): Promise<CommandAnswer> {
    const given = await this.#taps.get(id)?.answer;
    if (given !== undefined && given.verdict !== 'waiting') return given;
    const answer = await this.#parts.queries.commandVerdict(id);
    return answer.verdict === 'waiting' ? { ...answer, message: await this.#waitingWords() } : answer;
  }

  async #giveOnce(request: Decision, { id, evidence }: { id: string; evidence: string }): Promise<CommandAnswer> {
    if (request.kind === 'service_start' || request.kind === 'service_stop')
      return await this.#order(request, this.#giving(id, evidence));
    await this.#check(request);
    const { spool, key, write } = this.#parts;
    const command = giveCommand(askedCommand(request), this.#giving(id, evidence), key);
    try {
      await spoolCommand(spool, command, write);
    } catch (cause) {
      if (cause instanceof RangeError) throw new RequestProblem(413, 'too_large', cause.message);
      throw new RequestProblem(
        503,
        'unavailable',
        'The command could not be written to disk. Nothing was done; try again.',
      );
    }
    return { id, verdict: 'waiting', message: await this.#waitingWords() };
  }

  async #order(request: ServiceRequest, giving: Giving): Promise<CommandAnswer> {
    const outcome = await this.#parts.orders.order(request, giving);
    switch (outcome.status) {
      case 'done':
        return { id: giving.id, verdict: 'accepted', message: `${request.service} is ${outcome.container.state}` };
      case 'refused':
        return { id: giving.id, verdict: 'refused', message: outcome.reason };
      case 'silent':
        throw new RequestProblem(503, 'unavailable', `Nothing was done: ${outcome.reason}.`);
    }
  }

  /** @throws RequestProblem when it is not for what there is now */
  async #check(request: RunnerRequest): Promise<void> {
    if ('task' in request) {
      const detail = await this.#parts.queries.task(request.task);
      const stale = staleness(request, detail);
      if (stale !== null) throw new RequestProblem(409, 'stale', stale, detail);
    } else if (request.kind === 'submit') checkFile(request);
  }

  /** In a spool the order of names is the order in which commands were given, also when the clock is put back. */
  #giving(id: string, evidence: string): Giving {
    this.#last = Math.max(this.#parts.now(), this.#last + 1);
    return { id, actor: { channel: 'dashboard', user: this.#parts.user }, evidence, issuedMs: this.#last };
  }

  async #waitingWords(): Promise<string> {
    const { services } = await this.#parts.queries.services();
    const runner = services.find(({ name }) => name === 'runner');
    return runner === undefined || runner.status === 'silent'
      ? 'The runner is not running. The command is kept for a day, and is carried out when the runner is back.'
      : 'The runner takes it next.';
  }

  #remember(id: string, given: Given): void {
    this.#taps.set(id, given);
    const [oldest] = this.#taps.keys();
    if (this.#taps.size > dashboardLimits.taps && oldest !== undefined) this.#taps.delete(oldest);
  }
}

/** The same key always makes the same command, and the runner carries each out once: also when this process forgot. */
function commandIdOf(key: string): string {
  return createHash('sha256').update(`dashboard:${key}`).digest('base64url');
}

/** What tells one request from another, without what must be written nowhere. */
function withoutCode(request: Decision): string {
  return createHash('sha256')
    .update(JSON.stringify(request, (name, value: unknown) => (name === 'code' ? undefined : value)))
    .digest('hex');
}

function checkFile({ file, content }: Extract<RunnerRequest, { kind: 'submit' }>): void {
  if (!isSubmittedName(file))
    throw new RequestProblem(
      400,
      'bad_request',
      'A task file’s name ends in .md, has no /, and is not hidden or temporary.',
    );
  const parsed = parseTaskFile(Buffer.from(content));
  if (!parsed.ok) throw new RequestProblem(400, 'bad_request', formatProblems(file, parsed.problems));
}
