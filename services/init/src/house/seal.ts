import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto';
import { houseLimits } from '@countersign/contracts/limits.ts';
import { HouseError } from './house-error.ts';

const algorithm = 'aes-256-gcm';
const tagBytes = 16;
/** 128 MiB and about half a second for each guess. */
const cost = { N: 131_072, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const;

/** Makes an archive's key of its passphrase and its salt, which is hexadecimal. */
export type DeriveKey = (passphrase: Buffer, salt: string) => Buffer;

export const scryptKey: DeriveKey = (passphrase, salt) => scryptSync(passphrase, Buffer.from(salt, 'hex'), 32, cost);

export const sealedBytes = (length: number): number => length + tagBytes;

export function makeSalt(): string {
  return randomBytes(16).toString('hex');
}

/** @throws HouseError for a passphrase that is too short or too long */
export function checkPassphrase(passphrase: Buffer): void {
  const { least, most } = houseLimits.passphraseBytes;
  if (passphrase.length < least || passphrase.length > most)
    throw new HouseError(`A passphrase has ${least} to ${most} bytes, this one has ${passphrase.length}.`);
}

/**
 * Seals an archive piece by piece. Each piece is bound to the manifest, to its place and to whether it is the last one, so none can
 * be changed, left out, repeated, moved or cut off. The key serves one archive only, because its salt does.
 */
export class Seal {
  readonly #key: Buffer;
  readonly #manifest: Buffer;
  #count = 0;

  /** @param manifest its bytes, as they stand in the archive */
  constructor(key: Buffer, manifest: Uint8Array) {
    this.#key = key;
    this.#manifest = createHash('sha256').update(manifest).digest();
  }

  close(piece: Uint8Array, isLast: boolean): Buffer {
    const cipher = createCipheriv(algorithm, this.#key, this.#nonce(), { authTagLength: tagBytes });
    cipher.setAAD(this.#bound(isLast));
    this.#count += 1;
    return Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
  }

  /** Null when it is not what was sealed here. */
  open(sealed: Buffer, isLast: boolean): Buffer | null {
    if (sealed.length < tagBytes) return null;
    const decipher = createDecipheriv(algorithm, this.#key, this.#nonce(), { authTagLength: tagBytes });
    decipher.setAAD(this.#bound(isLast));
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    this.#count += 1;
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final()]);
    } catch {
      return null;
    }
  }

  #nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(this.#count), 4);
    return nonce;
  }

  #bound(isLast: boolean): Buffer {
    return Buffer.concat([this.#manifest, Buffer.from([isLast ? 1 : 0])]);
  }
}
