import type { KeyObject } from 'node:crypto';
import { commandLimits } from '@countersign/contracts/limits.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import { giveCommand, spoolCommand } from '@countersign/kit/command-spool.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { GivenApproval } from '../state/listener-state.ts';
import { commandIdOf, revocationIdOf } from './command-id.ts';
import type { Judgement } from './judge.ts';
import type { ObservedEvent } from './observed.ts';

/** Puts signed commands into the spool of the channel `matrix`. */
export class CommandWriter {
  readonly #spool: string;
  readonly #key: KeyObject;
  readonly #now: () => number;
  readonly #write: typeof writeFileAtomic;
  #last = 0;

  /** @param write an override for tests of a disk that fails */
  constructor(spool: string, key: KeyObject, now: () => number, write: typeof writeFileAtomic = writeFileAtomic) {
    this.#spool = spool;
    this.#key = key;
    this.#now = now;
    this.#write = write;
  }

  /** When the next command is issued, in milliseconds since 1970: later than every one before it. */
  reserve(): number {
    this.#last = Math.max(this.#now(), this.#last + 1);
    return this.#last;
  }

  /**
   * Resolves to the command's id when the command is on disk. The same event always makes the same command.
   * @param issued a moment that was reserved for it
   */
  async write(
    judgement: Judgement & { kind: 'decide' | 'order' },
    event: ObservedEvent,
    issued = this.reserve(),
  ): Promise<string> {
    const asked = judgement.kind === 'order' ? judgement.asked : requestOf(judgement);
    return await this.#sign(commandIdOf(event.event_id), event.sender, event.event_id, asked, issued);
  }

  /**
   * Takes an approval back in the name of whoever gave it. However often and in whichever ways its event is withdrawn, this is
   * one command, with the event as evidence that withdrew it first. It lies behind the approval in the spool, also when the clock
   * was put back since.
   */
  async revoke({ event, sender, task, command, issued }: GivenApproval, evidence: string): Promise<string> {
    this.#last = Math.max(this.#last, issued);
    const asked = { kind: 'revoke' as const, subject: { task, command } };
    return await this.#sign(revocationIdOf(event), sender, evidence, asked, this.reserve());
  }

  async #sign(id: string, user: string, evidence: string, asked: AskedCommand, issued: number): Promise<string> {
    const giving = { id, actor: { channel: 'matrix' as const, user }, evidence, issuedMs: issued };
    await spoolCommand(this.#spool, giveCommand(asked, giving, this.#key), this.#write);
    return id;
  }
}

function requestOf({ decision, gate, reason, code }: Judgement & { kind: 'decide' }): AskedCommand {
  const { task, digest } = gate;
  const proof = code === undefined ? {} : { code };
  switch (decision) {
    case 'approve':
      return { kind: decision, subject: { task, digest }, ...proof };
    case 'rebase':
      return { kind: decision, subject: { task, digest } };
    case 'merge': {
      const unverified = reason === '' ? {} : { unverified: true as const };
      return { kind: decision, subject: { task, digest, ...unverified }, ...proof };
    }
    case 'reject':
      return { kind: decision, subject: { task, digest, reason: cut(reason) } };
  }
}

function cut(reason: string): string {
  return reason.slice(0, commandLimits.reasonCharacters);
}
