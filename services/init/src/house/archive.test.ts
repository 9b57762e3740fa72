import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { houseManifest, quickKey } from '../testing/house.ts';
import { openArchive, writeArchive } from './archive.ts';
import { ByteReader } from './byte-reader.ts';

const passphrase = Buffer.from('correct horse battery');

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function sealed(content: Uint8Array, manifest = houseManifest()): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeArchive(manifest, passphrase, inPieces(content, 65_536), quickKey)));
}

async function opened(archive: Uint8Array, words = passphrase): Promise<Buffer> {
  const { content } = await openArchive(new ByteReader(inPieces(archive, 60_001)), words, quickKey);
  return Buffer.concat(await Array.fromAsync(content));
}

test.each([0, 1, 4 * 1024 * 1024 - 1, 4 * 1024 * 1024, 9_000_000])(
  'F27 %i bytes come out as they went in',
  async (size) => {
    const content = randomBytes(size);
    expect((await opened(await sealed(content))).equals(content)).toBe(true);
  },
);

test('what is sealed is not to be read in it, and two archives of the same are different', async () => {
  const content = Buffer.from('MATRIX_BOT_TOKEN=syt_secret');
  const [one, two] = [await sealed(content), await sealed(content)];
  expect(one.includes('syt_secret')).toBe(false);
  expect(one.equals(two)).toBe(false);
});

test('another passphrase is refused in words', async () => {
  await expect(opened(await sealed(randomBytes(100)), Buffer.from('another passphrase'))).rejects.toThrow(
    'does not open with this passphrase',
  );
});

test('every single flipped bit of a small archive is refused', async () => {
  const archive = await sealed(Buffer.from('state'));
  for (let at = 0; at < archive.length; at += 1) {
    const flipped = Buffer.from(archive);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await expect(opened(flipped), `byte ${at}`).rejects.toThrow();
  }
});

describe('pieces', () => {
  const chunk = 4 * 1024 * 1024;
  const framed = chunk + 4 + 16;

  async function threePieces(): Promise<{ begin: Buffer; pieces: Buffer[] }> {
    const archive = await sealed(randomBytes(2 * chunk + 5));
    const begin = archive.indexOf('}\n') + 2 + 20;
    const rest = archive.subarray(begin);
    return {
      begin: archive.subarray(0, begin),
      pieces: [rest.subarray(0, framed), rest.subarray(framed, 2 * framed), rest.subarray(2 * framed)],
    };
  }

  test.each([
    ['swapped', [1, 0, 2]],
    ['repeated', [0, 0, 1, 2]],
    ['left out', [0, 2]],
    ['cut off behind one', [0, 1]],
    ['behind the last one', [0, 1, 2, 2]],
  ])('that were %s are refused', async (_what, order) => {
    const { begin, pieces } = await threePieces();
    const archive = Buffer.concat([begin, ...order.map((index) => pieces[index] ?? Buffer.alloc(0))]);
    await expect(opened(archive)).rejects.toThrow(/damaged|cut off|behind the end/);
  });

  test('of another archive with the same passphrase are refused', async () => {
    const [one, two] = [await threePieces(), await threePieces()];
    await expect(opened(Buffer.concat([one.begin, ...two.pieces]))).rejects.toThrow('piece 1 is not what was sealed');
  });
});

test.each([
  ['', 'no archive'],
  ['countersign house\n', 'no archive'],
  ['countersign house\nnot json\n', 'no archive'],
  ['PK\u0003\u0004 something else entirely', 'no archive'],
  [`countersign house\n${'x'.repeat(9 * 1024 * 1024)}`, 'no archive'],
])('what is no archive is refused', async (text, words) => {
  await expect(opened(Buffer.from(text))).rejects.toThrow(words);
});

test('an archive of a newer version is refused in words that say so', async () => {
  const newer = { ...houseManifest(), version: 2 } as never;
  await expect(opened(await sealed(Buffer.alloc(0), newer))).rejects.toThrow(
    'version 2 was written by a newer Countersign than this one, which knows 1',
  );
});

test('no archive chooses how the key is made', async () => {
  const weak = { ...houseManifest(), seal: { ...houseManifest().seal, key: 'scrypt-2-1-1' } } as never;
  await expect(opened(await sealed(Buffer.alloc(0), weak))).rejects.toThrow('manifest cannot be used');
});

test('the key is made slowly, by what the manifest names', async () => {
  const parts = await Array.fromAsync(writeArchive(houseManifest(), passphrase, inPieces(Buffer.from('state'), 5)));
  const open = (words: Buffer) => openArchive(new ByteReader(inPieces(Buffer.concat(parts), 1_000)), words);
  const { content } = await open(passphrase);
  expect(Buffer.concat(await Array.fromAsync(content)).toString()).toBe('state');
  await expect(open(Buffer.from('another passphrase'))).rejects.toThrow('does not open with this passphrase');
}, 30_000);
