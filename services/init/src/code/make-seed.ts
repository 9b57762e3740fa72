import { join } from 'node:path';
import { CodeSeed, codeParameters, codeSeedFile } from '@countersign/contracts/one-time-code.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { Secret, TOTP } from 'otpauth';
import { readRegularFile } from '../regular-file.ts';

/** 160 bits, as RFC 4226 recommends. */
const seedBytes = 20;

export type MadeSeed =
  | { readonly made: false }
  | {
      readonly made: true;
      /** One that was there before counts no more. */
      readonly replaced: boolean;
      readonly seed: string;
      /** What an authenticator reads from a picture. */
      readonly uri: string;
    };

/**
 * The seed of the one-time codes, in the runner's secrets. It leaves this function once: what is there already is neither read back nor
 * shown.
 * @param again whether one that is there is replaced
 * @throws InitError when something else than a file is in its place
 */
export async function makeSeed(secrets: string, again: boolean): Promise<MadeSeed> {
  const path = join(secrets, codeSeedFile);
  const present = await readRegularFile(path);
  if (present !== null && !again) return { made: false };
  const { issuer, label, algorithm, digits, period } = codeParameters;
  const secret = new Secret({ size: seedBytes });
  const seed = CodeSeed.parse(secret.base32);
  await writeFileAtomic(path, `${seed}\n`, 0o400);
  const uri = new TOTP({ issuer, label, algorithm, digits, period, secret }).toString();
  return { made: true, replaced: present !== null, seed, uri };
}
