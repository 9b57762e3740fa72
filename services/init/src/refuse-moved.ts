import { join } from 'node:path';
import { ImportPlan, importFolder, MovedMark, movedFile } from '@countersign/contracts/house.ts';
import { InitError } from './init-error.ts';
import { readRegularFile } from './regular-file.ts';

/** @throws InitError for a house that went on elsewhere, and for one that is half moved in: nothing of either may start */
export async function refuseMoved(volumes: string): Promise<void> {
  const moved = await readRegularFile(join(volumes, movedFile));
  if (moved !== null) {
    const mark = MovedMark.safeParse(parse(moved));
    const when = mark.success ? `on ${mark.data.at}` : 'at some time';
    throw new InitError(
      `This house was moved to another machine ${when}, so nothing of it starts here: tasks would be done twice. When it did not go on there after all, take that back: scripts/countersign export --take-back`,
    );
  }
  const plan = await readRegularFile(join(volumes, importFolder, 'plan.json'));
  if (plan === null) return;
  const phase = ImportPlan.safeParse(parse(plan));
  if (phase.success && phase.data.phase === 'unpacking') return;
  throw new InitError(
    'An import into this house was cut off half-way. Run the same scripts/countersign import again: it goes on where it stopped. Then run scripts/up.',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
