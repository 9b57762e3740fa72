import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { plainGit } from '../testing/repository.ts';
import { memoryGround, now, writing } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';
import { blobId } from './scan-files.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const note = 'project/notes/a note.md';
const _task = 'project/tasks/T0147-x.md';

describe('made and opened again', () => {
  test('a folder that is not there becomes a repository that explains itself, and a second time changes nothing', async () => {
    const ground = memoryGround();
    expect((await openMemory(ground.folder, now)).trouble).toBeNull();
    expect(ground.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(ground.read('README.md')).toContain('tasks/T0147');
    expect(ground.log()).toEqual(['Countersign: the memory begins']);
    await openMemory(ground.folder, now);
    expect(ground.log()).toHaveLength(1);
    expect(ground.status()).toBe('');
  });

  test('a death in the middle of making it is made good', async () => {
    const ground = memoryGround();
    mkdirSync(join(ground.folder, '.git', 'refs'), { recursive: true });
    writeFileSync(join(ground.folder, '.git', 'HEAD'), 'ref: refs/heads/main\n');
    expect((await openMemory(ground.folder, now)).trouble).toBeNull();
    expect(ground.log()).toHaveLength(1);
  });

  test('what was there before the repository is taken over', async () => {
    const ground = memoryGround();
    ground.write(note, 'old\n');
    await openMemory(ground.folder, now);
    expect(ground.log()).toEqual(['Countersign: the memory begins', 'Operator: taken over: edited by hand']);
    expect(ground.committed(note)).toBe('old');
  });
});

describe('edited by hand', () => {
  test('an edit, a new file and a removed one are one commit of the operator', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    await memory.change([writing(note, 'one\n'), writing('project/notes/b.md', 'two\n')]);
    ground.write(note, 'mine\n');
    ground.write('project/decisions/2026-d.md', 'so it is\n');
    rmSync(join(ground.folder, 'project/notes/b.md'));
    await openMemory(ground.folder, now);
    expect(ground.log()[0]).toBe('Operator: taken over: edited by hand');
    expect(ground.log()).toHaveLength(4);
    expect(ground.git('show', '--format=', '--name-status', 'HEAD').split('\n').sort()).toEqual([
      'A\tproject/decisions/2026-d.md',
      `D\tproject/notes/b.md`,
      `M\t${note}`,
    ]);
    expect(ground.status()).toBe('');
  });

  test('an edit of the file that we change is committed before, as the operator’s', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    await memory.change([writing(note, 'one\n')]);
    ground.write(note, 'one, by hand\n');
    const append = (bytes: Buffer | null) => Buffer.from(`${bytes}and ours\n`);
    expect(await memory.change([{ message: 'ours', files: [{ path: note, edit: append }] }])).toEqual({
      status: 'committed',
    });
    expect(ground.log().slice(0, 2)).toEqual(['Countersign: ours', 'Operator: taken over: edited by hand']);
    expect(ground.git('show', `HEAD~1:${note}`)).toBe('one, by hand');
    expect(ground.committed(note)).toBe('one, by hand\nand ours');
  });

  test('what the operator committed themselves stays, with what else is in the repository', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    ground.write('scripts/mine.sh', 'echo\n');
    ground.write(note, 'theirs\n');
    ground.git('add', '-A');
    ground.git('commit', '-q', '-m', 'theirs');
    await memory.change([writing('project/notes/b.md', 'ours\n')]);
    expect(ground.log().slice(0, 2)).toEqual(['Countersign: write project/notes/b.md', 'Operator: theirs']);
    expect(ground.git('ls-tree', '-r', '--name-only', 'HEAD').split('\n')).toEqual([
      'README.md',
      note,
      'project/notes/b.md',
      'scripts/mine.sh',
    ]);
  });

  test('what the operator has staged stays staged and is not swept into a commit of ours', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    ground.write('scripts/mine.sh', 'echo\n');
    ground.git('add', 'scripts/mine.sh');
    await memory.change([writing(note, 'ours\n')]);
    expect(ground.status()).toBe('A  scripts/mine.sh');
    ground.git('commit', '-q', '-m', 'theirs');
    expect(ground.committed(note)).toBe('ours');
  });
});

describe('death', () => {
  /** What is on disk when the runner died with the file written, or not, and nothing committed. */
  async function dead(written: boolean): Promise<ReturnType<typeof memoryGround>> {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    await memory.change([writing(note, 'before\n')]);
    const id = plainGit(ground.folder, ['hash-object', '-w', '--stdin'], 'after\n');
    const files = [{ path: note, before: blobId(Buffer.from('before\n')), after: id }];
    const commits = [{ author: 'runner', message: 'ours', at: now().toISOString(), files }];
    writeFileSync(join(ground.folder, '.git/countersign-pending.json'), JSON.stringify({ version: 1, commits }));
    if (written) ground.write(note, 'after\n');
    return ground;
  }

  test('between file and commit: the commit follows, as ours', async () => {
    const ground = await dead(true);
    await openMemory(ground.folder, now);
    expect(ground.log()[0]).toBe('Countersign: ours');
    expect(ground.committed(note)).toBe('after');
    expect(ground.status()).toBe('');
  });

  test('before the file: nothing was changed', async () => {
    const ground = await dead(false);
    await openMemory(ground.folder, now);
    expect(ground.log()[0]).toBe(`Countersign: write ${note}`);
    expect(ground.read(note)).toBe('before\n');
    expect(ground.status()).toBe('');
  });

  test('between file and commit, and then edited by hand: ours first, then theirs', async () => {
    const ground = await dead(true);
    ground.write(note, 'after\nmine\n');
    await openMemory(ground.folder, now);
    expect(ground.log().slice(0, 2)).toEqual(['Operator: taken over: edited by hand', 'Countersign: ours']);
    expect(ground.committed(note)).toBe('after\nmine');
  });

  test('after the commit: it is not made twice', async () => {
    const ground = await dead(true);
    const left = readFileSync(join(ground.folder, '.git/countersign-pending.json'));
    await openMemory(ground.folder, now);
    writeFileSync(join(ground.folder, '.git/countersign-pending.json'), left);
    const before = ground.log();
    await openMemory(ground.folder, now);
    expect(ground.log()).toEqual(before);
  });

  test('what is remembered and was damaged, or names other files, is not believed', async () => {
    for (const text of [
      '{',
      '{"version":1,"commits":[{"author":"runner","message":"x","at":"2026-11-20T10:00:00.000Z","files":[{"path":"../../x","before":null,"after":null}]}]}',
    ]) {
      const ground = await dead(true);
      writeFileSync(join(ground.folder, '.git/countersign-pending.json'), text);
      await openMemory(ground.folder, now);
      expect(ground.log()[0]).toBe('Operator: taken over: edited by hand');
      expect(ground.committed(note)).toBe('after');
    }
  });
});

describe('git of the operator’s at the same time', () => {
  test('S083 a lock is waited for, the change is kept in the file, and its commit follows', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now, 300);
    writeFileSync(join(ground.folder, '.git/index.lock'), '');
    const saved = await memory.change([writing(note, 'ours\n')]);
    expect(saved).toMatchObject({ status: 'kept', reason: expect.stringContaining('index.lock') });
    expect(ground.read(note)).toBe('ours\n');
    expect(existsSync(join(ground.folder, '.git/index.lock'))).toBe(true);
    rmSync(join(ground.folder, '.git/index.lock'));
    expect(await memory.change([])).toEqual({ status: 'committed' });
    expect(ground.log()[0]).toBe(`Countersign: write ${note}`);
  });

  test('S083 a lock that goes away in time costs nothing but the wait', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    writeFileSync(join(ground.folder, '.git/refs/heads/main.lock'), '');
    const saved = memory.change([writing(note, 'ours\n')]);
    setTimeout(() => rmSync(join(ground.folder, '.git/refs/heads/main.lock')), 300);
    expect(await saved).toEqual({ status: 'committed' });
    expect(ground.status()).toBe('');
  });

  test('S083 an old lock that a killed git of ours left is removed, and nobody else’s ever is', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now, 0);
    const lock = join(ground.folder, '.git/index.lock');
    const marker = join(ground.folder, '.git/countersign-writing');
    const age = (path: string, minutes: number) => {
      const time = now().getTime() / 1_000 - minutes * 60;
      utimesSync(path, time, time);
    };
    const leave = (path: string, minutes: number) => {
      writeFileSync(path, '');
      age(path, minutes);
    };
    leave(lock, 60);
    expect((await memory.change([writing(note, 'a\n')])).status).toBe('kept');
    leave(marker, 5);
    expect((await memory.change([])).status).toBe('kept');
    leave(marker, 5);
    leave(lock, 1);
    expect((await memory.change([])).status).toBe('kept');
    leave(marker, 5);
    leave(lock, 4);
    expect(await memory.change([])).toEqual({ status: 'committed' });
    expect(existsSync(lock)).toBe(false);
  });

  test.each([
    ['no branch is checked out', (git: (...args: string[]) => string) => git('checkout', '-q', '--detach')],
    [
      'a merge has conflicts',
      (git: (...args: string[]) => string, write: (path: string, text: string) => void) => {
        git('checkout', '-q', '-b', 'other');
        write(note, 'x\n');
        git('add', '-A');
        git('commit', '-q', '-m', 'x');
        git('checkout', '-q', 'main');
        write(note, 'y\n');
        git('add', '-A');
        git('commit', '-q', '-m', 'y');
        expect(() => git('merge', '-q', 'other')).toThrow();
      },
    ],
  ])('S083 nothing is touched while %s', async (_name, begin) => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    begin(ground.git, ground.write);
    const before = [ground.status(), ground.git('rev-parse', 'HEAD')];
    expect(await memory.change([writing('project/notes/b.md', 'ours\n')])).toMatchObject({ status: 'not-made' });
    expect([ground.status(), ground.git('rev-parse', 'HEAD')]).toEqual(before);
    expect((await openMemory(ground.folder, now)).trouble).not.toBeNull();
  });

  test('thousands of single objects become a pack, and nothing is lost', async () => {
    const ground = memoryGround();
    for (let number = 1_000; number < 1_050; number += 1) ground.write(`project/notes/${number}.md`, `${number}`);
    await openMemory(ground.folder, now);
    plainGit(ground.folder, ['config', 'fastimport.unpackLimit', '10000']);
    for (let number = 1_000; number < 3_100; number += 1) ground.write(`project/notes/${number}.md`, `again ${number}`);
    await openMemory(ground.folder, now);
    expect(Number(ground.git('count-objects').split(' ')[0])).toBeLessThan(2_000);
    expect(ground.committed('project/notes/1000.md')).toBe('again 1000');
    expect(ground.git('fsck', '--strict')).not.toContain('error');
  }, 60_000);

  test('objects that a clean-up took away are made anew', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now, 0);
    writeFileSync(join(ground.folder, '.git/index.lock'), '');
    await memory.change([writing(note, 'ours\n')]);
    rmSync(join(ground.folder, '.git/index.lock'));
    ground.git('gc', '-q', '--prune=now');
    await memory.change([]);
    await memory.change([]);
    expect(ground.committed(note)).toBe('ours');
  });
});
