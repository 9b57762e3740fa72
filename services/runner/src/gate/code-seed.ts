import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Stages, secondFactorOf, secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { CodeSeed, codeSeedFile } from '@countersign/contracts/one-time-code.ts';
import { isMissing } from '@countersign/kit/files.ts';

export type FoundSeed =
  | { readonly status: 'enrolled'; readonly seed: string }
  | { readonly status: 'missing' | 'unusable' };

/** The seed as it lies there now: one that was just enrolled counts without a restart. */
export async function readCodeSeed(secrets: string): Promise<FoundSeed> {
  try {
    const seed = CodeSeed.safeParse((await readFile(join(secrets, codeSeedFile), 'utf8')).trim());
    return seed.success ? { status: 'enrolled', seed: seed.data } : { status: 'unusable' };
  } catch (error) {
    return { status: isMissing(error) ? 'missing' : 'unusable' };
  }
}

/** Whether somebody may be asked for a code, and there is none that could be right. */
export async function isCodeMissing(stages: Stages, secrets: string): Promise<boolean> {
  const decide = stages.stages[secondFactorStage]?.decide ?? [];
  if (!decide.some(({ channel }) => secondFactorOf[channel] === 'code')) return false;
  return (await readCodeSeed(secrets)).status !== 'enrolled';
}
