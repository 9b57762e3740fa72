import { type Channel, Command, isSignatureGood } from '@countersign/contracts/command.ts';
import type { Keys } from './keys.ts';

export type ReadCommand =
  | { readonly ok: true; readonly command: Command }
  | {
      readonly ok: false;
      readonly id: string | null;
      readonly reason: string;
      /** When it is the channel's own, signed with its key and in its spool: only then is what it says of its writer true. */
      readonly command: Command | null;
    };

/**
 * Takes a spool file apart: shape, signature, channel, time. Pure.
 * @param spool the channel whose spool the file lay in
 * @param isDecided whether a command has its verdict; what is left of its effect is then done even when it has expired since
 */
export function readCommand(
  bytes: Buffer,
  spool: Channel,
  keys: Keys,
  now: Date,
  isDecided: (id: string) => boolean = () => false,
): ReadCommand {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { ok: false, id: null, reason: 'the command is not JSON', command: null };
  }
  const parsed = Command.safeParse(value);
  if (!parsed.success) return { ok: false, id: null, reason: 'the command has not the agreed shape', command: null };
  const command = parsed.data;
  const refuse = (reason: string) => ({ ok: false as const, id: command.id, reason, command: null });
  const known = keys.get(command.key_id);
  if (known === undefined) return refuse('the command is signed with a key that is not known here');
  if (!isSignatureGood(command, known.key)) return refuse('the signature is not good');
  if (known.channel !== command.actor.channel || known.channel !== spool)
    return refuse('the key belongs to another channel');
  if (!isDecided(command.id) && now.getTime() >= Date.parse(command.expires_at))
    return { ...refuse(`the command expired at ${command.expires_at}`), command };
  return { ok: true, command };
}
