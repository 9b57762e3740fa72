import { join } from 'node:path';
import { movedFile } from '@countersign/contracts/house.ts';
import { exists } from '@countersign/kit/files.ts';
import { StartError } from '@countersign/kit/start-error.ts';
import type { Layout } from '../state/layout.ts';

/** @throws StartError for a house that goes on elsewhere: its tasks would be done twice */
export async function refuseMoved({ home }: Layout): Promise<void> {
  if (await exists(join(home, movedFile)))
    throw new StartError(
      'this house was moved to another machine; to go on here after all: scripts/countersign export --take-back',
    );
}
