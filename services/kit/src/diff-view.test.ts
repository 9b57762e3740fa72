import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkPatch, DiffViewError, readDiffIndex, readPatchPart, readSmallPatch } from './diff-view.ts';
import { sha256 } from './digest.ts';

const attempt = 'runs/RUN-20261120-001/tasks/abcde/attempts/1';
const patchText = 'first line\nsecond ü🙂 line\n\nlast line\n';

let volumes: string;
let diffs: string;
beforeEach(async () => {
  volumes = await mkdtemp(join(tmpdir(), 'countersign-diff-'));
  diffs = join(volumes, attempt, 'diffs');
  await mkdir(diffs, { recursive: true });
});
afterEach(() => rm(volumes, { recursive: true }));

/** Saves a diff of one file; returns its index and the digest. */
async function save(path = 'a.ts') {
  const patch = { file: 'project.patch', bytes: Buffer.byteLength(patchText), sha256: sha256(patchText) };
  const oid = 'a'.repeat(40);
  const index: DiffIndex = {
    version: 1,
    repositories: [
      {
        name: 'project',
        branch: 'main',
        base_head: oid,
        head: 'b'.repeat(40),
        patch,
        totals: { files: 1, insertions: 1, deletions: 0, flagged: 0 },
        flags: [],
        files: [
          {
            path,
            status: 'added',
            old_mode: '000000',
            new_mode: '100644',
            new_oid: oid,
            insertions: 1,
            deletions: 0,
            bytes: 2,
            flags: [],
          },
        ],
        files_left_out: 0,
      },
    ],
  };
  const text = canonicalJson(index);
  await writeFile(join(diffs, 'index.json'), text);
  await writeFile(join(diffs, patch.file), patchText);
  return { index, patch, digest: sha256(text) };
}

async function failure(action: Promise<unknown>): Promise<DiffViewError> {
  const error = await action.catch((reason: unknown) => reason);
  if (!(error instanceof DiffViewError)) throw new Error(`no DiffViewError: ${String(error)}`);
  return error;
}

const part = (offset: number, bytes: number, file = 'project.patch') =>
  readPatchPart(volumes, attempt, file, { offset, bytes });

test('an index is read with its digest, names as they are', async () => {
  const { index, digest } = await save('a\u001b[2J\u202e.ts');
  expect(await readDiffIndex(volumes, attempt, digest)).toEqual({ index, digest });
  expect(await readDiffIndex(volumes, attempt)).toEqual({ index, digest });
});

test('A07 any other byte in the index is noticed', async () => {
  const { digest } = await save();
  const path = join(diffs, 'index.json');
  const bytes = await readFile(path);
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(path, changed);
    expect((await failure(readDiffIndex(volumes, attempt, digest))).code, `byte ${at}`).toBe('changed');
  }
});

test.each(['', '{}', 'null', '{"version":1,"repositories":[],"more":1}', '{"version":2,"repositories":[]}'])(
  'an index that is %j is none, though its digest be right',
  async (text) => {
    await writeFile(join(diffs, 'index.json'), text);
    const error = await failure(readDiffIndex(volumes, attempt, sha256(text)));
    expect(error).toMatchObject({ code: 'changed', message: expect.stringContaining(`${attempt}/diffs/index.json`) });
  },
);

test('an index that is gone, or larger than any, is not read', async () => {
  expect(await failure(readDiffIndex(volumes, attempt))).toMatchObject({ code: 'unreadable' });
  await writeFile(join(diffs, 'index.json'), '');
  await truncate(join(diffs, 'index.json'), 1024 ** 3);
  expect((await failure(readDiffIndex(volumes, attempt))).message).toContain('1073741824 bytes, more than');
});

test('A07 a patch that is not the index’s is noticed', async () => {
  const { patch } = await save();
  await expect(checkPatch(volumes, attempt, patch)).resolves.toBeUndefined();
  await writeFile(join(diffs, patch.file), `${patchText} `);
  expect((await failure(checkPatch(volumes, attempt, patch))).code).toBe('changed');
  await rm(join(diffs, patch.file));
  expect((await failure(checkPatch(volumes, attempt, patch))).code).toBe('unreadable');
  await writeFile(join(volumes, 'elsewhere'), patchText);
  await symlink(join(volumes, 'elsewhere'), join(diffs, patch.file));
  expect((await failure(checkPatch(volumes, attempt, patch))).code).toBe('unreadable');
});

test('a patch is read in parts that end with a line, and the parts are the whole', async () => {
  await save();
  const size = Buffer.byteLength(patchText);
  expect(await part(0, 1_000)).toEqual({ text: patchText, offset: 0, end: size, size, whole: true });
  expect(await part(0, 15)).toEqual({ text: 'first line\n', offset: 0, end: 11, size, whole: true });
  let text = '';
  let end = 0;
  while (end < size) {
    const next = await part(end, 25);
    expect(next.whole).toBe(true);
    expect(next.end).toBeGreaterThan(end);
    text += next.text;
    end = next.end;
  }
  expect(text).toBe(patchText);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
  'a line longer than a part of %i bytes is cut between characters',
  async (extra) => {
    await save();
    const line = 'ü🙂漢x'.repeat(50);
    await writeFile(join(diffs, 'project.patch'), line);
    let text = '';
    let end = 0;
    while (end < Buffer.byteLength(line)) {
      const next = await part(end, 4 + extra);
      expect(next.end).toBeGreaterThan(end);
      text += next.text;
      end = next.end;
    }
    expect(text).toBe(line);
    expect((await part(0, 4 + extra)).whole).toBe(false);
  },
);

test('behind a patch’s end there is nothing, and its size is told', async () => {
  await save();
  const size = Buffer.byteLength(patchText);
  expect(await part(size, 10)).toMatchObject({ text: '', end: size, size });
  expect(await part(size + 100, 10)).toMatchObject({ text: '', size });
});

test('no more is read at once than a few megabytes', async () => {
  await save();
  await writeFile(join(diffs, 'project.patch'), 'x\n'.repeat(5 * 1024 * 1024));
  const { end, size } = await part(0, 1e9);
  expect(end).toBe(4 * 1024 * 1024);
  expect(size).toBe(10 * 1024 * 1024);
});

test.each(['../../task.json', '/etc/passwd', 'index.json', 'a/b.patch', '..patch', '', 'a\0.patch', '.patch'])(
  'W16 %j is no name of a patch',
  async (file) => {
    await save();
    expect(await failure(part(0, 10, file))).toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('is no name of a saved patch'),
    });
  },
);

test('a small patch is read whole and checked; a larger one is not read', async () => {
  const { patch } = await save();
  expect(await readSmallPatch(volumes, attempt, patch, 1_000)).toBe(patchText);
  expect(await readSmallPatch(volumes, attempt, patch, patch.bytes - 1)).toBeNull();
  await writeFile(join(diffs, patch.file), `${patchText}more`);
  await expect(readSmallPatch(volumes, attempt, patch, 1_000)).rejects.toThrow('was changed after it was saved');
  await expect(readSmallPatch(volumes, attempt, patch, patch.bytes)).rejects.toThrow(DiffViewError);
  await rm(join(diffs, patch.file));
  await symlink('/etc/passwd', join(diffs, patch.file));
  await expect(readSmallPatch(volumes, attempt, patch, 1_000)).rejects.toThrow('cannot be read');
});
