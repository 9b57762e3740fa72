import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError, type Report } from './init-error.ts';
import { protect } from './protect.ts';
import { readRegularFile } from './regular-file.ts';

const secretBytes = 32;

type Secret = { readonly shape: RegExp; readonly make: () => string };

const word: Secret = { shape: /^\S{16,}\n?$/, make: () => `${randomBytes(secretBytes).toString('base64url')}\n` };

/** Synapse's own format of a signing key: algorithm, name, 32 bytes. */
const signingKey: Secret = {
  shape: /^ed25519 a_\w{4} [A-Za-z0-9+/]{43}\n?$/,
  make: () => `ed25519 a_${keyName()} ${randomBytes(secretBytes).toString('base64').replace(/=+$/, '')}\n`,
};

/**
 * What the stack's own Synapse is started with, each in a file of its own. The registration secret is also given to `enrol`,
 * which makes the users. What is there is kept.
 * @throws InitError when a file cannot be what Synapse wants, or the two copies of the registration secret differ
 */
export async function ensureSynapseSecrets(secrets: string, owner: Owner, report: Report): Promise<void> {
  for (const [name, secret] of [
    ['macaroon.secret', word],
    ['form.secret', word],
    ['signing.key', signingKey],
  ] as const) {
    const path = join(secrets, 'synapse', name);
    await keep(path, await readSecret(path, secret), secret.make, owner, report);
  }
  const theirs = join(secrets, 'synapse', 'registration.secret');
  const copy = join(secrets, 'enrol', 'registration.secret');
  const [first, second] = [await readSecret(theirs, word), await readSecret(copy, word)];
  if (first !== null && second !== null && first.trim() !== second.trim())
    throw new InitError(
      `${copy} is not the secret of ${theirs}. Remove the one that was changed, and it is copied anew.`,
    );
  // The same words for both, whichever of them an interrupted start has left.
  const shared = first ?? second ?? word.make();
  await keep(theirs, first, () => shared, owner, report);
  await keep(copy, second, () => shared, owner, report);
}

async function readSecret(path: string, { shape }: Secret): Promise<string | null> {
  const text = await readRegularFile(path);
  if (text === null || shape.test(text)) return text;
  throw new InitError(
    `${path} cannot be used: it is not what this start would make. Restore it; or remove it for a new one.`,
  );
}

async function keep(
  path: string,
  present: string | null,
  make: () => string,
  owner: Owner,
  report: Report,
): Promise<void> {
  if (present === null) await writeFileAtomic(path, make(), 0o400);
  await protect(path, owner, 0o400);
  report(present === null ? 'made' : 'left alone', path);
}

function keyName(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  return Array.from({ length: 4 }, () => letters.charAt(randomInt(letters.length))).join('');
}
