import { createHash, type KeyObject } from 'node:crypto';
import type { Channel } from './command.ts';

/** A key's name: its channel and the first 64 bits of the SHA-256 of its public half (DER, SubjectPublicKeyInfo). */
export function keyIdOf(channel: Channel, publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return `${channel}-${createHash('sha256').update(der).digest('hex').slice(0, 16)}`;
}
