import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { type Channel, readSigningKey, readVerifyingKey } from '@countersign/contracts/command.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError, type Report } from './init-error.ts';
import { protect } from './protect.ts';
import { readRegularFile } from './regular-file.ts';

/** A way for decisions to come in: who signs there, and under which name the runner knows the public half. */
type SigningChannel = { readonly holder: string; readonly channel: Channel };

/**
 * The Ed25519 pair of a channel: the private half for its service alone, the public half for the runner. A pair that exists is
 * kept; a missing public half is made from the private one.
 * @throws InitError when the halves do not fit, or the private one is gone
 */
export async function ensureSigningKey(
  secrets: string,
  { holder, channel }: SigningChannel,
  owner: Owner,
  report: Report,
): Promise<void> {
  const privatePath = join(secrets, holder, 'signing.key.pem');
  const publicPath = join(secrets, 'runner', `${channel}.pub.pem`);
  const [privatePem, publicPem] = [await readRegularFile(privatePath), await readRegularFile(publicPath)];
  if (privatePem === null && publicPem !== null)
    throw new InitError(
      `${publicPath} is there, and ${privatePath} is not. Restore it; or remove ${publicPath}, and a new pair is made: commands that were signed with the lost key are then refused.`,
    );
  // The private half first: when this is interrupted, the next start makes the other from it.
  const key =
    privatePem === null ? generateKeyPairSync('ed25519').privateKey : parse(privatePath, privatePem, readSigningKey);
  if (privatePem === null) await writeFileAtomic(privatePath, key.export({ format: 'pem', type: 'pkcs8' }), 0o400);
  report(privatePem === null ? 'made' : 'left alone', privatePath);
  const spki = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  if (publicPem === null) await writeFileAtomic(publicPath, spki, 0o444);
  else if (!parse(publicPath, publicPem, readVerifyingKey).equals(createPublicKey(key)))
    throw new InitError(
      `${publicPath} is not the public half of ${privatePath}. Restore the one that was changed; or remove ${publicPath}, and it is made from the private half.`,
    );
  report(publicPem === null ? 'made' : 'left alone', publicPath);
  await protect(privatePath, owner, 0o400);
  await protect(publicPath, owner, 0o444);
}

function parse(path: string, pem: string, read: (pem: string) => KeyObject): KeyObject {
  try {
    return read(pem);
  } catch (cause) {
    throw new InitError(
      `${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}. Restore it, or remove both halves of the pair for a new one.`,
      { cause },
    );
  }
}
