import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { type Command, commandFileName, signCommand, type UnsignedCommand } from '@countersign/contracts/command.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from './files.ts';

/** What a person asks for: the command's kind and subject, and the code that shows who asks where there is one. */
export type AskedCommand = Command extends infer Each
  ? Each extends Command
    ? Pick<Each, Extract<keyof Each, 'kind' | 'subject' | 'code'>>
    : never
  : never;

/** Who asks, and what shows it. */
export type Giving = {
  readonly id: string;
  readonly actor: Command['actor'];
  readonly evidence: string;
  /** Milliseconds since 1970. */
  readonly issuedMs: number;
};

/** Signs a command with the key of its actor's channel. */
export function giveCommand(asked: AskedCommand, { id, actor, evidence, issuedMs }: Giving, key: KeyObject): Command {
  const envelope = {
    version: 1 as const,
    id,
    actor,
    evidence,
    issued_at: new Date(issuedMs).toISOString(),
    expires_at: new Date(issuedMs + commandLimits.lifetimeMs).toISOString(),
    key_id: keyIdOf(actor.channel, createPublicKey(key)),
  };
  const unsigned: UnsignedCommand = { ...envelope, ...asked };
  return signCommand(unsigned, key);
}

/**
 * Puts a command into a spool; resolves when it is on disk.
 * @param write an override for tests of a disk that fails
 * @throws RangeError for one that is larger than the runner reads
 */
export async function spoolCommand(
  spool: string,
  command: Command,
  write: typeof writeFileAtomic = writeFileAtomic,
): Promise<void> {
  const text = JSON.stringify(command);
  if (Buffer.byteLength(text) > commandLimits.fileBytes)
    throw new RangeError(`the command is larger than ${commandLimits.fileBytes} bytes`);
  await write(join(spool, commandFileName(command)), text);
}
