import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { honestBundle } from '../testing/bundle.ts';
import { beginImport } from '../testing/import-ground.ts';
import { commitFiles } from '../testing/repository.ts';
import { quarantineResult } from './import-result.ts';

test('F04 a result is not refused because whoever takes it in is leaving', async () => {
  const { folder, repository, sandbox, base } = await beginImport();
  commitFiles(sandbox, { 'new.txt': 'new' });
  const bundle = honestBundle(sandbox, base);
  for (const delayMs of [0, 20, 60]) {
    const leave = AbortSignal.timeout(delayMs);
    const taken = await quarantineResult(join(folder, 'scratch'), bundle, repository, base, leave).catch(() => null);
    expect(taken?.ok ?? true).toBe(true);
  }
});

test('a pack that is larger than allowed is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  writeFileSync(join(sandbox, 'noise'), randomBytes(200_000));
  commitFiles(sandbox, {});
  const bundle = honestBundle(sandbox, base);
  expect(await take(bundle, { bundleBytes: 100_000, unpackedBytes: 1e9, fileBytes: 1e9 })).toEqual({
    ok: false,
    reason: expect.stringMatching(/maximum allowed size/),
  });
  expect(await take(bundle, { bundleBytes: 300_000, unpackedBytes: 1e9, fileBytes: 1e9 })).toMatchObject({ ok: true });
});

test('a changed file that is too large for a diff is refused by name', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(sandbox, { 'zeros.txt': '0'.repeat(2_000_000) });
  expect(await take(honestBundle(sandbox, base), { bundleBytes: 1e6, unpackedBytes: 1e9, fileBytes: 1e6 })).toEqual({
    ok: false,
    reason: '"zeros.txt" has 2000000 bytes; a changed file has at most 1000000',
  });
});

test('one object under many names counts as often as the diff shows it', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(
    sandbox,
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`copy-${index}.txt`, 'x'.repeat(100_000)])),
  );
  const bundle = honestBundle(sandbox, base);
  expect(await take(bundle, { bundleBytes: 1e6, unpackedBytes: 1e6, fileBytes: 1e6 })).toEqual({
    ok: false,
    reason: expect.stringMatching(/changed files have 2\d{6} bytes in all/),
  });
});

test('a small pack that unpacks to more than allowed is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(sandbox, { 'zeros.txt': '0'.repeat(2_000_000) });
  const bundle = honestBundle(sandbox, base);
  expect(readFileSync(bundle).length).toBeLessThan(20_000);
  expect(await take(bundle, { bundleBytes: 1e6, unpackedBytes: 1e6, fileBytes: 1e9 })).toEqual({
    ok: false,
    reason: expect.stringMatching(/unpacks to 2\d{6} bytes/),
  });
});
