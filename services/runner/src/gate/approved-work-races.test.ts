import { readFileSync } from 'node:fs';
import { link, open, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { approvedFiles, approvedPlan, beginApproved } from '../testing/approved-ground.ts';
import { generator, randomRounds } from '../testing/random.ts';

const { rounds, firstSeed } = randomRounds(1_000, 10_000);

/** Ways to put other bytes in a file's place while somebody reads it. `path` is the file, `spare` a name beside it. */
const swaps: Readonly<Record<string, (path: string, spare: string, bytes: Buffer) => Promise<void>>> = {
  'a rename over it': async (path, spare, bytes) => {
    await writeFile(spare, bytes);
    await rename(spare, path);
  },
  'a write into it': async (path, _spare, bytes) => {
    const file = await open(path, 'r+');
    await file.write(bytes, 0, bytes.length, 0);
    await file.close();
  },
  'a write through another name of it': async (path, spare, bytes) => {
    await link(path, spare);
    await writeFile(spare, bytes);
    await rm(spare);
  },
  'a link to other bytes': async (path, spare, bytes) => {
    await writeFile(`${spare}.target`, bytes);
    await symlink(`${spare}.target`, spare);
    await rename(spare, path);
  },
  'an end': (path, _spare, bytes) => truncate(path, Math.floor(bytes.length / 2)),
  'its removal': (path) => rm(path),
};

test('A07 of 1,000 changes (10,000 with scripts/test --all) that race with its reading, none changes what approved work is', async () => {
  const { folder, objective, read } = await beginApproved();
  const random = generator(firstSeed);
  const below = (end: number) => Math.floor(random() * end);
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const whole = new Map(approvedFiles.map((name) => [name, readFileSync(join(folder, name))]));
  const outcomes = { whole: 0, refused: 0 };
  for (let race = 0; race < rounds; race += 1) {
    const name = pick(approvedFiles);
    const [way, swap] = pick(Object.entries(swaps));
    const told = `seed ${firstSeed}, race ${race}: ${way} of ${name}`;
    const bytes = Buffer.from(whole.get(name) ?? '');
    const at = below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const path = join(folder, name);
    const changing = (async () => {
      for (let wait = below(8); wait > 0; wait -= 1) await new Promise((resolve) => setImmediate(resolve));
      await swap(path, `${path}.spare`, bytes);
    })();
    const [work] = await Promise.all([read(), changing]);
    if (work.ok) {
      expect(work, told).toEqual({ ok: true, plan: approvedPlan, objective });
      outcomes.whole += 1;
    } else outcomes.refused += 1;
    // Whoever reads it afterwards is refused in any case.
    expect(await read(), told).toMatchObject({ ok: false });
    await rm(path, { force: true });
    await writeFile(path, whole.get(name) ?? '');
  }
  expect(await read()).toMatchObject({ ok: true });
  // Neither is a race that nobody ran.
  expect(Math.min(outcomes.whole, outcomes.refused)).toBeGreaterThan(rounds / 100);
}, 300_000);
