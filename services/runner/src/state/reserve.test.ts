import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { Journal, parseJournal } from '@countersign/kit/journal.ts';
import { expect, onTestFinished, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { Reserve } from './reserve.ts';

const mib = 1024 * 1024;
const sizes = { reserveBytes: mib, reserveSpareBytes: mib };
const event: EventBody = {
  phase: 'gate',
  agent_role: 'operator',
  event: 'task_rejected',
  summary: 'no',
  data: { text: 'x'.repeat(8_000) },
};

function begin(folder = scratchFolder()) {
  const said: string[] = [];
  const path = join(folder, '.reserve');
  return { folder, path, said, reserve: new Reserve(path, (what) => said.push(what), sizes) };
}

/** A file system of four MiB of its own; only root may mount one. */
function mountSmall(): string {
  const folder = scratchFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

function fill(path: string): void {
  for (const piece of [mib, 4_096, 1])
    try {
      for (;;) appendFileSync(path, Buffer.alloc(piece, 'x'));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
}

test('it is made once, of its whole size, and not of zeros', async () => {
  const { path, said, reserve } = begin();
  await reserve.refill();
  const { ino, size, blocks } = statSync(path);
  expect([size, blocks * 512 >= mib]).toEqual([mib, true]);
  await reserve.refill();
  expect(statSync(path).ino).toBe(ino);
  expect(said).toEqual(['made']);
  expect(await reserve.release()).toBe(true);
  expect(await reserve.release()).toBe(false);
  expect(said).toEqual(['made', 'released']);
});

test('where it cannot be made nothing is left, and nobody is stopped', async () => {
  const { folder, path, said, reserve } = begin();
  mkdirSync(`${path}.tmp`);
  await reserve.refill();
  expect([existsSync(path), said]).toEqual([false, []]);
  rmSync(folder, { recursive: true });
  await reserve.refill();
  expect(await reserve.release()).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

test.each(['ENOSPC', 'EDQUOT'])(
  'F21 an append that fails with %s is written in the room that it leaves',
  async (code) => {
    const { folder, path, reserve } = begin();
    await reserve.refill();
    const openFile: typeof open = async (...parameters) => {
      const file = await open(...parameters);
      const write = file.write.bind(file) as (...all: unknown[]) => ReturnType<typeof file.write>;
      file.write = ((...all: unknown[]) =>
        existsSync(path)
          ? Promise.reject(Object.assign(new Error(code), { code }))
          : write(...all)) as typeof file.write;
      return file;
    };
    const journal = await Journal.open(join(folder, 'telemetry.jsonl'), {
      openFile,
      makeRoom: () => reserve.release(),
    });
    await journal.append(event);
    await journal.close();
    expect(existsSync(path)).toBe(false);
    expect(parseJournal('', readFileSync(journal.path))).toHaveLength(1);
  },
);

test.skipIf(process.getuid?.() !== 0)(
  'F21 on a disk that is really full decisions are still written down, and the reserve is made again when there is room',
  async () => {
    const { folder, path, said, reserve } = begin(mountSmall());
    const journal = await Journal.open(join(folder, 'telemetry.jsonl'), { makeRoom: () => reserve.release() });
    await journal.append(event);
    await reserve.refill();
    fill(join(folder, 'full'));
    expect(() => writeFileSync(join(folder, 'more'), 'x'.repeat(8_192))).toThrow('ENOSPC');
    for (let decision = 0; decision < 20; decision += 1) {
      await journal.append(event);
      await writeFileAtomic(join(folder, 'task.json'), JSON.stringify(event));
    }
    expect(said).toEqual(['made', 'released']);
    await reserve.refill();
    expect(existsSync(path)).toBe(false);

    fill(join(folder, 'full'));
    await expect(journal.append({ ...event, data: { text: 'x'.repeat(200_000) } })).rejects.toThrow('ENOSPC');
    rmSync(join(folder, 'full'));
    await reserve.refill();
    await journal.append(event);
    await journal.close();
    expect(said).toEqual(['made', 'released', 'made']);
    expect(parseJournal('', readFileSync(journal.path))).toHaveLength(22);
  },
);
