import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readVerifyingKey } from '@countersign/contracts/command.ts';
import type { Logger } from '@countersign/kit/logger.ts';

/**
 * The dashboard's public key. Null where there is none, or none that can be used, which is logged: sandboxes need no dashboard, and no
 * order counts then.
 */
export async function readDashboardKey(folder: string, logger: Logger): Promise<KeyObject | null> {
  try {
    return readVerifyingKey(await readFile(join(folder, 'dashboard.pub.pem'), 'utf8'));
  } catch (error) {
    logger.warn({ reason: String(error) }, 'the key of the dashboard cannot be read: no order of its counts');
    return null;
  }
}
