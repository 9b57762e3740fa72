import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { commandFileName, signCommand, type UnsignedCommand } from '@countersign/contracts/command.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Gate } from '../state/listener-state.ts';
import type { Decision } from './answer.ts';
import type { Judgement } from './judge.ts';
import type { ObservedEvent } from './observed.ts';

/** Puts signed commands into the spool of the channel `matrix`. */
export class CommandWriter {
  readonly #spool: string;
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #now: () => number;
  readonly #write: typeof writeFileAtomic;
  #last = 0;

  /** @param write an override for tests of a disk that fails */
  constructor(spool: string, key: KeyObject, now: () => number, write: typeof writeFileAtomic = writeFileAtomic) {
    this.#spool = spool;
    this.#key = key;
    this.#keyId = keyIdOf('matrix', createPublicKey(key));
    this.#now = now;
    this.#write = write;
  }

  /** Resolves to the command's id when the command is on disk. The same event always makes the same command. */
  async write({ decision, gate, reason }: Judgement & { kind: 'decide' }, event: ObservedEvent): Promise<string> {
    const id = createHash('sha256').update(`matrix:${event.event_id}`).digest('base64url');
    const issued = Math.max(this.#now(), this.#last + 1);
    this.#last = issued;
    const envelope = {
      version: 1 as const,
      id,
      actor: { channel: 'matrix' as const, user: event.sender },
      evidence: event.event_id,
      issued_at: new Date(issued).toISOString(),
      expires_at: new Date(issued + commandLimits.lifetimeMs).toISOString(),
      key_id: this.#keyId,
    };
    const unsigned: UnsignedCommand = { ...envelope, ...requestOf(decision, gate, reason) };
    const command = signCommand(unsigned, this.#key);
    await this.#write(join(this.#spool, commandFileName(command)), JSON.stringify(command));
    return id;
  }
}

/** A command's kind and subject. */
type Asked = UnsignedCommand extends infer Each
  ? Each extends UnsignedCommand
    ? Pick<Each, 'kind' | 'subject'>
    : never
  : never;

function requestOf(decision: Decision, { task, digest }: Gate, words: string): Asked {
  switch (decision) {
    case 'approve':
    case 'rebase':
      return { kind: decision, subject: { task, digest } };
    case 'merge':
      return { kind: decision, subject: { task, digest, ...(words === '' ? {} : { unverified: true as const }) } };
    case 'reject':
      return { kind: decision, subject: { task, digest, reason: cut(words) } };
  }
}

function cut(reason: string): string {
  return reason.slice(0, commandLimits.reasonCharacters);
}
