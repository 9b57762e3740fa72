import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleHeader, entriesWith, forgedBundle, writeBlob, writeCommit, writeTree } from '../testing/bundle.ts';
import { beginImport, type ImportGround } from '../testing/import-ground.ts';
import { generator, randomRounds } from '../testing/random.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
import { quarantineResult } from './import-result.ts';

const { rounds, firstSeed } = randomRounds(200, 100_000);
const atOnce = 4;
const limits = { bundleBytes: 1_000_000, unpackedBytes: 4_000_000, fileBytes: 1_000_000 };
const digestBytes = 20;
/** Beyond what the process had before, in MB. */
const growthMb = 150;
const patienceMs = 20_000;

/** Bundles that a sandbox may send, honest and not: each is a beginning that is then damaged. */
function beginnings({ sandbox, base }: ImportGround): Buffer[] {
  const tips: string[] = [];
  const restart = () => plainGit(sandbox, ['reset', '-q', '--hard', base]);
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`new/${index % 5}/${index}.txt`, `${index}\n`]),
  );
  for (const files of [{ 'new.txt': 'new\n' }, { 'README.md': 'other\n', 'src/deep/er/x.ts': 'x\n' }, many]) {
    restart();
    tips.push(commitFiles(sandbox, files));
  }
  const blob = writeBlob(sandbox, 'x\n');
  const link = writeBlob(sandbox, '/etc/passwd');
  for (const more of [
    ['120000', 'link', link],
    ['100644', '..', blob],
    ['100644', '.git', blob],
    ['160000', 'module', base],
    ['100755', 'run.sh', blob],
  ] as const)
    tips.push(writeCommit(sandbox, writeTree(sandbox, entriesWith(sandbox, base, [more])), [base]));
  return tips.map((tip) =>
    readFileSync(forgedBundle(sandbox, { header: bundleHeader(base, tip), revisions: `${tip}\n^${base}\n` })),
  );
}

/** One damaged bundle; half of those whose pack is damaged have its digest made right again, so that what is inside is looked at. */
function damaged(from: readonly Buffer[], random: () => number): Buffer {
  const below = (most: number) => Math.floor(random() * most);
  const pick = () => from[below(from.length)] ?? Buffer.alloc(0);
  const bundle = Buffer.from(pick());
  const start = bundle.indexOf('PACK');
  const kind = below(8);
  if (kind < 2) return spliced(bundle, below(start), below(4), bytesOf(below(6), below));
  if (kind === 2) return bundle.subarray(0, below(bundle.length));
  if (kind === 3) return Buffer.concat([bundle, bytesOf(1 + below(64), below)]);
  let pack: Buffer = bundle.subarray(start, bundle.length - digestBytes);
  const at = below(pack.length);
  if (kind === 4) pack = spliced(pack, at, below(16), bytesOf(below(16), below));
  else if (kind === 5) pack.writeUInt32BE(below(2) === 0 ? below(20) : 2 ** 32 - 1 - below(20), 8);
  else if (kind === 6) {
    const other = pick();
    pack = Buffer.concat([pack.subarray(0, at), other.subarray(other.indexOf('PACK') + 12, -digestBytes)]);
  } else for (let hits = 1 + below(8); hits > 0; hits -= 1) pack[below(pack.length)] = below(256);
  const digest = below(2) === 0 ? createHash('sha1').update(pack).digest() : bundle.subarray(-digestBytes);
  return Buffer.concat([bundle.subarray(0, start), pack, digest]);
}

function spliced(bytes: Buffer, at: number, removed: number, put: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)]);
}

function bytesOf(length: number, below: (most: number) => number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256)));
}

/** Every file of a folder by its content, without those of the cases themselves. */
function contents(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.parentPath.startsWith(join(folder, 'cases')) && !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const digest = createHash('sha256');
  for (const path of files) digest.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return digest.digest('hex');
}

test(`of ${rounds} damaged bundles each is refused or whole, and nothing else is touched (COUNTERSIGN_TEST_SEED=${firstSeed})`, async () => {
  const ground = await beginImport({ 'src/a.ts': 'a\n', 'src/b.ts': 'b\n' });
  const { folder, repository, base } = ground;
  const from = beginnings(ground);
  const before = contents(folder);
  const residentMb = process.memoryUsage.rss() / 1024 ** 2;
  const counts = { refused: 0, taken: 0, insideLooked: 0 };
  let next = 0;
  const worker = async (name: number): Promise<void> => {
    const own = join(folder, 'cases', String(name));
    mkdirSync(own, { recursive: true });
    while (next < rounds) {
      const seed = firstSeed + next++;
      const path = join(own, 'result.bundle');
      writeFileSync(path, damaged(from, generator(seed)));
      const late = AbortSignal.timeout(patienceMs);
      const outcome = await quarantineResult(join(own, 'scratch'), path, repository, base, late, limits).catch(
        (error: unknown) => {
          throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
        },
      );
      if (outcome.ok) counts.taken += 1;
      else {
        counts.refused += 1;
        if (!outcome.reason.startsWith('the bundle')) counts.insideLooked += 1;
      }
      if (readdirSync(own).sort().join() !== 'result.bundle,scratch' && readdirSync(own).join() !== 'result.bundle')
        throw new Error(`seed ${seed} left ${readdirSync(own).join(', ')}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, name) => worker(name)));
  expect(contents(folder)).toBe(before);
  expect(counts.refused + counts.taken).toBe(rounds);
  // Headers were refused, and packs were looked into, or the test says nothing.
  expect(counts.refused).toBeGreaterThan(rounds / 2);
  expect(counts.insideLooked).toBeGreaterThan(rounds / 4);
  expect(process.memoryUsage.rss() / 1024 ** 2 - residentMb).toBeLessThan(growthMb);
}, 3_600_000);
