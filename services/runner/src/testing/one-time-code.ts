import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeSeedFile } from '@countersign/contracts/one-time-code.ts';

export const testSeed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** What an authenticator shows at a moment: RFC 6238 by its letter, and not by the library that is tested with it. */
export function codeAt(now: Date, seed = testSeed): string {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now.getTime() / 30_000)));
  const digest = createHmac('sha1', decode(seed)).update(step).digest();
  const offset = digest.readUInt8(digest.length - 1) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** As `countersign enrol-code` leaves it. */
export function enrolCode(secrets: string): void {
  mkdirSync(secrets, { recursive: true });
  writeFileSync(join(secrets, codeSeedFile), `${testSeed}\n`, { mode: 0o400 });
}

function decode(base32: string): Buffer {
  const bits = [...base32]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
