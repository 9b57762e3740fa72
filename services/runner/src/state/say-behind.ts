import type { HealthFile } from '@countersign/kit/health.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Behind } from './journal-heads.ts';

/** Lines that were acknowledged and are gone: nothing can be mended, so it is said wherever somebody looks, and gone on with. */
export async function sayBehind(
  behind: readonly Behind[],
  journal: Journal,
  logger: Logger,
  health: HealthFile,
): Promise<void> {
  for (const { journal: name, events, what } of behind) {
    logger.error({ journal: name, events, what }, 'a journal is not what it was; nothing of what is left was changed');
    health.remember(`${what}: see countersign audit`);
    await journal.append({
      phase: 'service',
      agent_role: 'runner',
      event: 'journal_behind',
      summary: what.slice(0, 4_000),
      data: { journal: name, events },
    });
  }
}
