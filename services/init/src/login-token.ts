import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError, type Report } from './init-error.ts';
import { protect } from './protect.ts';
import { readRegularFile } from './regular-file.ts';

const tokenBytes = 32;
/** 256 bits in base64url. */
const shape = /^[A-Za-z0-9_-]{43}\n$/;

/**
 * What opens the dashboard's page: `secrets/dashboard/login-token`, one line. One that is there is kept; who removes it gets a new one
 * with the next start.
 * @throws InitError for a file that holds anything else
 */
export async function ensureLoginToken(secrets: string, owner: Owner, report: Report): Promise<void> {
  const path = join(secrets, 'dashboard', 'login-token');
  const present = await readRegularFile(path);
  if (present !== null && !shape.test(present))
    throw new InitError(`${path} cannot be used: it is no token of this product's. Remove it for a new one.`);
  if (present === null) await writeFileAtomic(path, `${randomBytes(tokenBytes).toString('base64url')}\n`, 0o600);
  await protect(path, owner, 0o600);
  report(present === null ? 'made' : 'left alone', path);
}
