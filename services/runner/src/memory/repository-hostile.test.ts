import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import { plainGit, plantPrograms } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { memoryGround, now, taskText, writing } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';
import { blobId } from './scan-files.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const note = 'project/notes/a note.md';
const task = 'project/tasks/T0147-x.md';

describe('hostile', () => {
  test('S071 S072 S077 no program of the repository runs, and no filter changes a byte', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    const witness = join(scratchFolder(), 'witness');
    mkdirSync(join(ground.folder, '.git/info'), { recursive: true });
    plantPrograms(ground.folder, witness);
    plainGit(ground.folder, ['config', 'core.autocrlf', 'true']);
    plainGit(ground.folder, ['config', 'filter.planted.required', 'true']);
    writeFileSync(join(ground.folder, '.gitattributes'), '* filter=planted diff=planted text eol=lf ident\n');
    ground.write(note, 'by hand $Id$\r\n');
    expect(await memory.change([writing('project/notes/b.md', 'ours $Id$\r\n')])).toEqual({ status: 'committed' });
    await openMemory(ground.folder, now);
    expect(existsSync(witness)).toBe(false);
    const id = execFileSync('git', ['rev-parse', `HEAD:${note}`], { cwd: ground.folder })
      .toString()
      .trim();
    expect(id).toBe(blobId(Buffer.from('by hand $Id$\r\n')));
    // What an ordinary git would have done.
    ground.write(note, 'other\n');
    expect(() => plainGit(ground.folder, ['add', note])).toThrow('planted');
    expect(existsSync(witness)).toBe(true);
  });

  test('links, pipes, folders and odd names are named and left alone', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    const secret = join(scratchFolder(), 'secret.md');
    writeFileSync(secret, 'secret');
    const outside = scratchFolder();
    for (const folder of ['project/notes/sub', 'project/tasks', 'linked', 'project/own'])
      mkdirSync(join(ground.folder, folder), { recursive: true });
    symlinkSync(secret, join(ground.folder, 'project/notes/link.md'));
    symlinkSync(outside, join(ground.folder, 'linked/notes'));
    symlinkSync(outside, join(ground.folder, 'elsewhere'));
    makeNamedPipe(join(ground.folder, 'project/notes/pipe.md'));
    mkdirSync(join(ground.folder, 'project/notes/folder.md'));
    ground.write('project/notes/-rf.md', 'x');
    ground.write('project/notes/\u001b[2J.md', 'x');
    ground.write('project/notes/"quoted".md', 'x');
    ground.write('project/notes/two\nlines.md', 'x');
    ground.write('project/tasks/t0147.md', 'x');
    ground.write('project/notes/large.md', Buffer.alloc(300 * 1024));
    ground.write('project/notes/.hidden.md', 'x');
    expect(await memory.change([])).toEqual({ status: 'committed' });
    expect(ground.git('ls-tree', '-r', '--name-only', 'HEAD')).toBe('README.md');
    expect(memory.ignored().join('\n')).not.toContain('\u001b');
    expect(memory.ignored().map((line) => line.replace(/ \(.*/, ''))).toEqual([
      'elsewhere',
      'linked/notes',
      'project/notes/"quoted".md',
      'project/notes/-rf.md',
      'project/notes/\\u{1b}[2J.md',
      'project/notes/folder.md',
      'project/notes/large.md',
      'project/notes/link.md',
      'project/notes/pipe.md',
      'project/notes/sub',
      'project/notes/two\\u{a}lines.md',
      'project/own',
      'project/tasks/t0147.md',
    ]);
    for (const path of ['linked/notes/a.md', 'elsewhere/notes/a.md', 'project/notes/link.md'])
      expect(await memory.change([writing(path, 'ours')])).toMatchObject({ status: 'not-made' });
    expect(readFileSync(secret, 'utf8')).toBe('secret');
    expect(existsSync(join(outside, 'a.md')) || existsSync(join(outside, 'notes'))).toBe(false);
  });

  test('a folder in whose place a link was put is not a folder that was removed', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    await memory.change([writing(note, 'kept\n')]);
    const outside = scratchFolder();
    renameSync(join(ground.folder, 'project'), join(outside, 'project'));
    symlinkSync(join(outside, 'project'), join(ground.folder, 'project'));
    await memory.change([]);
    expect(ground.committed(note)).toBe('kept');
  });

  test.each([
    [
      '.git is a file',
      (folder: string) => {
        rmSync(join(folder, '.git'), { recursive: true });
        writeFileSync(join(folder, '.git'), 'gitdir: /elsewhere\n');
      },
    ],
    [
      '.git is a link',
      (folder: string) => {
        const outside = scratchFolder();
        renameSync(join(folder, '.git'), join(outside, 'git'));
        symlinkSync(join(outside, 'git'), join(folder, '.git'));
      },
    ],
    ['commondir', (folder: string) => writeFileSync(join(folder, '.git/commondir'), '/elsewhere\n')],
    ['core.worktree', (folder: string) => plainGit(folder, ['config', 'core.worktree', scratchFolder()])],
    [
      'a pipe for an index',
      (folder: string) => {
        rmSync(join(folder, '.git/index'), { force: true });
        makeNamedPipe(join(folder, '.git/index'));
      },
    ],
  ])('S074 nothing is written elsewhere: %s', async (_name, plant) => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    plant(ground.folder);
    expect(await memory.change([writing(note, 'x')])).toMatchObject({ status: 'not-made' });
    expect(existsSync(join(ground.folder, note))).toBe(false);
    expect((await openMemory(ground.folder, now)).trouble).not.toBeNull();
  });

  test('a file keeps the permissions that a person gave it', async () => {
    const ground = memoryGround();
    const memory = await openMemory(ground.folder, now);
    ground.write(task, taskText('T0147'));
    chmodSync(join(ground.folder, task), 0o664);
    await memory.setStatus('project', 'T0147', 'running', 'task abcde');
    expect(
      execFileSync('stat', ['-c', '%a', join(ground.folder, task)])
        .toString()
        .trim(),
    ).toBe('664');
  });
});
