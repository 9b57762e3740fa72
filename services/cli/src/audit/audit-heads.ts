import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalHead } from '@countersign/contracts/journal-head.ts';
import { JournalError, lineDigest, scanChain } from '@countersign/kit/chain-scan.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Findings } from './finding.ts';

export const headsFile = 'runs/heads.jsonl';

/** What was last said of a journal, and in which line. */
type Claim = Pick<JournalHead, 'events' | 'head'> & { readonly line: number };
export type Heads = {
  readonly claims: ReadonlyMap<string, Claim>;
  /** SHA-256 of each line of the file itself. */
  readonly digests: readonly string[];
  /** Whether everything in it could be read. */
  readonly isWhole: boolean;
};

/** Reads `heads.jsonl`, as far as it is whole. Null when there is none. */
export async function auditHeads(volumes: string, { findings, notes }: Findings): Promise<Heads | null> {
  const claims = new Map<string, Claim>();
  const digests: string[] = [];
  const see = (bytes: Buffer, line: number, value: JournalHead | null) => {
    digests.push(lineDigest(bytes));
    if (value === null) return;
    const { journal, events, head } = value;
    const before = claims.get(journal);
    if (before !== undefined && events < before.events)
      findings.push({
        path: headsFile,
        line,
        what: `${journal} has ${events} lines, and had ${before.events}: acknowledged lines were lost`,
      });
    claims.set(journal, { events, head, line });
  };
  const file = await open(join(volumes, headsFile), 'r').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (file === null) return null;
  let isWhole = false;
  try {
    const { torn, seq } = await scanChain(headsFile, file, JournalHead, { strict: true, see });
    isWhole = true;
    if (torn > 0) notes.push({ path: headsFile, line: seq + 1, what: tornTail(torn) });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    findings.push({ path: headsFile, line: error.line, what: error.what });
  } finally {
    await file.close();
  }
  return { claims, digests, isWhole };
}

export function tornTail(bytes: number): string {
  return `${bytes} bytes that are no whole line: being written now, or cut off when the runner starts`;
}
