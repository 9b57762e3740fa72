import { constants } from 'node:fs';
import { appendFile, type FileHandle, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import { journalLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ChainEnd, JournalError, wholeLength } from './chain-scan.ts';
import { Journal, parseJournal } from './journal.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-chain-'));
  path = join(folder, 'telemetry.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const event = (summary: string): EventBody => ({ phase: 'service', agent_role: 'runner', event: 'message', summary });
const failure = (code: string) => Object.assign(new Error(code), { code });
const summaries = async () => parseJournal(path, await readFile(path)).map(({ summary }) => summary);
const settled = async (appends: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(appends)).map(({ status }) => status === 'fulfilled');

/** A disk that does what it is told to, and counts what it is asked for. */
class Disk {
  writes = 0;
  syncs = 0;
  opens = 0;
  onWrite: ((file: FileHandle, bytes: Buffer, position: number) => Promise<number>) | null = null;
  onSync: (() => Promise<void>) | null = null;
  onTruncate: (() => Promise<void>) | null = null;

  readonly open = async (...parameters: Parameters<typeof open>): Promise<FileHandle> => {
    const file = await open(...parameters);
    this.opens += 1;
    const [write, datasync, shorten] = [file.write.bind(file), file.datasync.bind(file), file.truncate.bind(file)];
    file.write = (async (bytes: Buffer, offset: number, length: number, position: number) => {
      this.writes += 1;
      const part = bytes.subarray(offset, offset + length);
      if (this.onWrite !== null) return { bytesWritten: await this.onWrite(file, part, position), buffer: bytes };
      return await write(part, 0, part.length, position);
    }) as typeof file.write;
    file.datasync = async () => {
      this.syncs += 1;
      await this.onSync?.();
      await datasync();
    };
    file.truncate = async (length) => {
      await this.onTruncate?.();
      await shorten(length);
    };
    return file;
  };
}

describe('group commit', () => {
  test('appends that come while the disk is busy share one write and one fsync, in their order', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    const busy = Promise.withResolvers<void>();
    disk.onSync = () => busy.promise;
    const first = journal.append(event('first'));
    while (disk.syncs === 0) await new Promise((resolve) => setImmediate(resolve));
    const others = Array.from({ length: 100 }, (_, index) => journal.append(event(String(index))));
    busy.resolve();
    await first;
    const lines = await Promise.all(others);
    await journal.close();
    expect([disk.writes, disk.syncs]).toEqual([2, 2]);
    expect(lines.map(({ seq }) => seq)).toEqual(others.map((_, index) => index + 2));
    expect(await summaries()).toEqual(['first', ...others.map((_, index) => String(index))]);
  });

  test('A27 none is acknowledged before its fsync has ended', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    const busy = Promise.withResolvers<void>();
    disk.onSync = () => busy.promise;
    let acknowledged = 0;
    const appends = [journal.append(event('a')), journal.append(event('b'))].map((one) =>
      one.then(() => acknowledged++),
    );
    while (disk.syncs === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await summaries()).toEqual(['a', 'b']);
    expect(acknowledged).toBe(0);
    busy.resolve();
    await Promise.all(appends);
    await journal.close();
    expect(acknowledged).toBe(2);
  });

  test('one that is refused takes nobody with it', async () => {
    const journal = await Journal.open(path);
    const large = { ...event('large'), data: { text: 'x'.repeat(journalLimits.lineBytes) } };
    expect(await settled([journal.append(event('a')), journal.append(large), journal.append(event('b'))])).toEqual([
      true,
      false,
      true,
    ]);
    await journal.close();
    expect(await summaries()).toEqual(['a', 'b']);
  });

  test('what is too much for one group becomes several', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    const data = { text: 'x'.repeat(200_000) };
    await Promise.all(Array.from({ length: 50 }, (_, index) => journal.append({ ...event(String(index)), data })));
    await journal.close();
    expect(disk.syncs).toBe(Math.ceil((50 * 200_000) / (journalLimits.groupBytes - journalLimits.lineBytes)));
    expect(await summaries()).toHaveLength(50);
  });

  test('whoever follows the end hears of it when it is durable', async () => {
    const ends: ChainEnd[] = [];
    const journal = await Journal.open(path, { moved: (end) => ends.push(end) });
    await Promise.all([journal.append(event('a')), journal.append(event('b'))]);
    await journal.append(event('c'));
    await journal.close();
    expect(ends.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(ends.at(-1)).toEqual(journal.end);
    expect(journal.end.length).toBe((await readFile(path)).length);
  });
});

describe('a disk that fails', () => {
  const failures: [string, (disk: Disk) => void][] = [
    ['F21 ENOSPC after a part of the group', (disk) => (disk.onWrite = takesOnly(40, 'ENOSPC'))],
    ['F21 EDQUOT at once', (disk) => (disk.onWrite = takesOnly(0, 'EDQUOT'))],
    ['F22 EIO while writing', (disk) => (disk.onWrite = takesOnly(300, 'EIO'))],
    ['F22 EIO of an fsync', (disk) => (disk.onSync = () => Promise.reject(failure('EIO')))],
    ['F23 a write that takes nothing', (disk) => (disk.onWrite = async () => 0)],
  ];
  function takesOnly(most: number, code: string): Disk['onWrite'] {
    let taken = 0;
    return async (_, bytes, position) => {
      if (taken >= most) throw failure(code);
      const part = bytes.subarray(0, most - taken);
      const raw = await open(path, 'r+');
      await raw.write(part, 0, part.length, position);
      await raw.close();
      taken += part.length;
      return part.length;
    };
  }

  test.each(failures)('%s: the group leaves nothing behind, and the next one succeeds', async (_, fail) => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    await journal.append(event('one'));
    const before = await readFile(path);
    fail(disk);
    expect(await settled([journal.append(event('lost')), journal.append(event('lost too'))])).toEqual([false, false]);
    expect(await readFile(path)).toEqual(before);
    disk.onWrite = null;
    disk.onSync = null;
    await journal.append(event('two'));
    await journal.close();
    expect(await summaries()).toEqual(['one', 'two']);
  });

  test('F23 writes that take a few bytes each make whole lines', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    disk.onWrite = async (_, bytes, position) => {
      const raw = await open(path, 'r+');
      await raw.write(bytes, 0, Math.min(7, bytes.length), position);
      await raw.close();
      return Math.min(7, bytes.length);
    };
    await Promise.all([journal.append(event('one')), journal.append(event('two'))]);
    await journal.close();
    expect(await summaries()).toEqual(['one', 'two']);
  });

  test('F22 what could not be cut at once is cut before the next group', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    await journal.append(event('one'));
    disk.onWrite = takesOnly(10, 'ENOSPC');
    disk.onTruncate = () => Promise.reject(failure('EIO'));
    await expect(journal.append(event('lost'))).rejects.toThrow('ENOSPC');
    disk.onWrite = null;
    await expect(journal.append(event('lost too'))).rejects.toThrow('EIO');
    disk.onTruncate = null;
    await journal.append(event('two'));
    await journal.close();
    expect(await summaries()).toEqual(['one', 'two']);
  });

  test('F22 after a failed fsync nothing is acknowledged by the same descriptor', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    await journal.append(event('one'));
    disk.onSync = () => Promise.reject(failure('EIO'));
    await expect(journal.append(event('lost'))).rejects.toThrow('EIO');
    disk.onSync = null;
    expect(disk.opens).toBe(2);
    await journal.append(event('two'));
    await journal.close();
    expect(await summaries()).toEqual(['one', 'two']);
  });

  test('A27 F22 what was acknowledged and is gone after a failed fsync stops the journal', async () => {
    const disk = new Disk();
    const journal = await Journal.open(path, { openFile: disk.open });
    await journal.append(event('one'));
    await journal.append(event('two'));
    const whole = await readFile(path);
    disk.onSync = async () => {
      await writeFile(path, whole.subarray(0, whole.indexOf('\n') + 1));
      throw failure('EIO');
    };
    await expect(journal.append(event('lost'))).rejects.toThrow('EIO');
    disk.onSync = null;
    await expect(journal.append(event('three'))).rejects.toThrow(JournalError);
    await journal.close();
    expect(await summaries()).toEqual(['one']);
  });

  test('a full disk is asked for room once, and the group is written then', async () => {
    const disk = new Disk();
    let asked = 0;
    const makeRoom = async () => {
      asked += 1;
      disk.onWrite = null;
      return true;
    };
    const journal = await Journal.open(path, { openFile: disk.open, makeRoom });
    disk.onWrite = takesOnly(20, 'ENOSPC');
    await journal.append(event('one'));
    disk.onWrite = takesOnly(20, 'EIO');
    await expect(journal.append(event('lost'))).rejects.toThrow('EIO');
    await journal.close();
    expect(asked).toBe(1);
    expect(await summaries()).toEqual(['one']);
  });

  test('nothing is written before the place is ready, and those that wait are refused where it will not be', async () => {
    const ready = Promise.withResolvers<void>();
    const journal = await Journal.open(path, { ready: () => ready.promise });
    const appends = [journal.append(event('a')), journal.append(event('b'))];
    await new Promise((resolve) => setImmediate(resolve));
    expect(await readFile(path, 'utf8')).toBe('');
    ready.reject(new Error('not there'));
    expect(await settled(appends)).toEqual([false, false]);
    await journal.close();
  });

  test('A27 a second writer forks no chain: bytes of somebody else are not written over', async () => {
    const journal = await Journal.open(path);
    await journal.append(event('one'));
    await appendFile(path, 'hello\n');
    await expect(journal.append(event('two'))).rejects.toThrow('somebody else wrote here');
    await journal.close();
    expect(await readFile(path, 'utf8')).toMatch(/\}\nhello\n$/);
  });
});

describe('what was not wholly written', () => {
  async function write(count: number, large = ''): Promise<Buffer> {
    const journal = await Journal.open(path);
    for (let number = 1; number <= count; number += 1)
      await journal.append({ ...event(String(number)), data: number === count ? { large } : {} });
    await journal.close();
    return await readFile(path);
  }
  async function reopen(): Promise<Journal> {
    const journal = await Journal.open(path);
    await journal.close();
    return journal;
  }

  test('F16 torn at every byte of the last line, of 4,096 bytes, all earlier ones stay', async () => {
    const whole = await write(3, 'ü'.repeat(1_950));
    const start = whole.lastIndexOf('\n', -2) + 1;
    expect(whole.length - start).toBeGreaterThan(4_000);
    const kept = whole.subarray(0, start);
    for (let length = start; length < whole.length; length += 1) {
      expect(wholeLength(whole.subarray(0, length))).toBe(start);
      if (length % 61 !== 0) continue;
      await writeFile(path, whole.subarray(0, length));
      expect((await reopen()).end).toMatchObject({ seq: 2, length: start });
      expect((await readFile(path)).equals(kept)).toBe(true);
      for (const name of (await readdir(folder)).filter((one) => one.includes('.cut-'))) await rm(join(folder, name));
    }
  });

  test.each([512, 4_096, 65_536])('F16 %i zeros behind the last line are cut, and said', async (zeros) => {
    const whole = await write(2);
    await appendFile(path, Buffer.alloc(zeros));
    expect((await reopen()).cut).toEqual({ bytes: zeros, kept: null });
    expect(await readFile(path)).toEqual(whole);
    expect(await readdir(folder)).toEqual(['telemetry.jsonl']);
  });

  test('it is kept beside, however often that happens at one line', async () => {
    await write(2);
    for (const [index, name] of ['telemetry.jsonl.cut-2', 'telemetry.jsonl.cut-2-2'].entries()) {
      await appendFile(path, `{"half ${index}`);
      expect((await reopen()).cut).toEqual({ bytes: 8, kept: name });
      expect(await readFile(join(folder, name), 'utf8')).toBe(`{"half ${index}`);
    }
    expect((await reopen()).cut).toBeNull();
  });

  test('of a large one the beginning is kept', async () => {
    await write(1);
    await appendFile(path, 'x'.repeat(journalLimits.cutBytes + 5));
    expect((await reopen()).cut).toEqual({ bytes: journalLimits.cutBytes + 5, kept: 'telemetry.jsonl.cut-1' });
    expect(await readFile(join(folder, 'telemetry.jsonl.cut-1'))).toHaveLength(journalLimits.cutBytes);
  });

  test('F16 of a group any sectors may be missing: nothing before it is lost, and the journal goes on', async () => {
    const before = await write(5);
    const journal = await Journal.open(path);
    await Promise.all(Array.from({ length: 12 }, (_, index) => journal.append(event(`${'x'.repeat(50)}${index}`))));
    await journal.close();
    const whole = await readFile(path);
    const first = Math.floor(before.length / 512);
    const sectors = Math.ceil(whole.length / 512) - first;
    expect(sectors).toBeGreaterThan(4);
    for (let missing = 1; missing < 2 ** sectors; missing += 1) {
      const bytes = Buffer.from(whole);
      for (let sector = 0; sector < sectors; sector += 1)
        if ((missing & (1 << sector)) !== 0)
          bytes.fill(
            0,
            Math.max(before.length, (first + sector) * 512),
            Math.min(bytes.length, (first + sector + 1) * 512),
          );
      await writeFile(path, bytes);
      const { end } = await reopen();
      expect(end.seq).toBeGreaterThanOrEqual(5);
      expect((await readFile(path)).subarray(0, before.length).equals(before)).toBe(true);
      expect(await summaries()).toHaveLength(end.seq);
      for (const name of (await readdir(folder)).filter((one) => one.includes('.cut-'))) await rm(join(folder, name));
    }
  });

  test('a single changed byte is no hole, also where it is a zero', async () => {
    const whole = await write(5);
    for (let position = 0; position < whole.lastIndexOf('\n', -2); position += 7) {
      const bytes = Buffer.from(whole);
      bytes[position] = 0;
      await writeFile(path, bytes);
      await expect(Journal.open(path)).rejects.toThrow(JournalError);
      expect(await readFile(path)).toEqual(bytes);
    }
  });
});

test('a journal is opened for reading and writing, and made where there is none', async () => {
  const flags: unknown[] = [];
  const openFile: typeof open = (name, flag, mode) => {
    flags.push(flag);
    return open(name, flag, mode);
  };
  await (await Journal.open(path, { openFile })).close();
  expect(flags).toEqual([constants.O_RDWR | constants.O_CREAT]);
});
