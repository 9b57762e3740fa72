import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError, type Report } from './init-error.ts';
import { protect } from './protect.ts';
import { readRegularFile } from './regular-file.ts';

/** The launcher's copy of the dashboard's public key, by which it knows whose orders count. It always follows the runner's. */
export async function ensureLauncherKey(secrets: string, owner: Owner, report: Report): Promise<void> {
  const source = join(secrets, 'runner', 'dashboard.pub.pem');
  const path = join(secrets, 'launcher', 'dashboard.pub.pem');
  const [wanted, present] = [await readRegularFile(source), await readRegularFile(path)];
  if (wanted === null) throw new InitError(`${source} is gone. Run this again.`);
  if (present !== wanted) await writeFileAtomic(path, wanted, 0o444);
  await protect(path, owner, 0o444);
  report(present === null ? 'made' : present === wanted ? 'left alone' : 'changed', path);
}
