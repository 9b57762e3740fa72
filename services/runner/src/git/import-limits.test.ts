import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleHeader, forgedBundle, honestBundle, writeBlob, writeCommit } from '../testing/bundle.ts';
import { beginImport } from '../testing/import-ground.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
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

test('S058 a pack that is larger than allowed is refused', async () => {
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

test('S058 one object under many names counts as often as the diff shows it', async () => {
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

test('S058 a small pack that unpacks to more than allowed is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(sandbox, { 'zeros.txt': '0'.repeat(2_000_000) });
  const bundle = honestBundle(sandbox, base);
  expect(readFileSync(bundle).length).toBeLessThan(20_000);
  expect(await take(bundle, { bundleBytes: 1e6, unpackedBytes: 1e6, fileBytes: 1e9 })).toEqual({
    ok: false,
    reason: expect.stringMatching(/unpacks to 2\d{6} bytes/),
  });
});

test('S058 a folder of a million names is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  const oid = Buffer.from(writeBlob(sandbox, 'x'), 'hex');
  const entry = (index: number) => Buffer.concat([Buffer.from(`100644 ${String(index).padStart(7, '0')}\0`), oid]);
  const entries = Buffer.concat(Array.from({ length: 1_000_000 }, (_, index) => entry(index)));
  const tree = plainGit(sandbox, ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], entries);
  const tip = writeCommit(sandbox, tree, [base]);
  const objects = [tip, tree, oid.toString('hex')];
  expect(await take(forgedBundle(sandbox, { header: bundleHeader(base, tip), objects }))).toEqual({
    ok: false,
    reason: expect.stringMatching(/more than \d+ files, 50000 more than what it began with/),
  });
}, 120_000);

/** A pack as git reads it, of objects that no git of ours would write in such a number. */
function packOf(objects: readonly (readonly [kind: 1 | 2 | 3, content: Buffer])[]): Buffer {
  const parts = objects.map(([kind, content]) => {
    const head = [(kind << 4) | (content.length & 15)];
    for (let rest = content.length >> 4; rest > 0; rest >>= 7) {
      head[head.length - 1] = (head.at(-1) ?? 0) | 128;
      head.push(rest & 127);
    }
    return Buffer.concat([Buffer.from(head), stored(content)]);
  });
  const begin = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  begin.writeUInt32BE(objects.length, 8);
  const pack = Buffer.concat([begin, ...parts]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

/** As zlib would write it that compresses nothing: a hundred thousand calls of it would take seconds. */
function stored(content: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from([0x78, 1, 1, 0, 0, 0, 0]), content, Buffer.alloc(4)]);
  bytes.writeUInt16LE(content.length, 3);
  bytes.writeUInt16LE(content.length ^ 0xffff, 5);
  let [low, high] = [1, 0];
  for (const byte of content) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  bytes.writeUInt16BE(high, bytes.length - 4);
  bytes.writeUInt16BE(low, bytes.length - 2);
  return bytes;
}

function oidOf(kind: string, content: Buffer): Buffer {
  return createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest();
}

test('S059 folders that lie a hundred thousand deep are refused, and nobody falls over them', async () => {
  const { folder, base, take } = await beginImport();
  const blob = Buffer.from('x');
  const objects: [1 | 2 | 3, Buffer][] = [[3, blob]];
  let below = Buffer.concat([Buffer.from('100644 x\0'), oidOf('blob', blob)]);
  for (let level = 0; level < 100_000; level += 1) {
    objects.push([2, below]);
    below = Buffer.concat([Buffer.from('40000 d\0'), oidOf('tree', below)]);
  }
  objects.push([2, below]);
  const person = 'A <a@example.org> 1 +0000';
  const tree = oidOf('tree', below).toString('hex');
  const commit = Buffer.from(`tree ${tree}\nparent ${base}\nauthor ${person}\ncommitter ${person}\n\nx\n`);
  objects.push([1, commit]);
  const path = join(folder, 'deep.bundle');
  const tip = oidOf('commit', commit).toString('hex');
  writeFileSync(path, Buffer.concat([Buffer.from(bundleHeader(base, tip)), packOf(objects)]));
  expect(await take(path)).toMatchObject({ ok: false });
}, 120_000);
