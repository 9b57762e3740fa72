import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { memoryGround, now, taskText } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';
import { withStatus } from './task-text.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const path = 'project/tasks/T0147-durable-base.md';

async function opened(files: Record<string, string | Buffer>) {
  const ground = memoryGround();
  for (const [name, text] of Object.entries(files)) ground.write(name, text);
  return { ground, memory: await openMemory(ground.folder, now) };
}

describe('found', () => {
  test('a task says its title, its branch, its repositories and what is to be done', async () => {
    const { memory } = await opened({
      [path]: taskText('T0147', 'todo', 'base_branch: release/2\nrepos: [web, api]\nowner: me\n'),
    });
    expect(await memory.findTask('project', 'T0147')).toEqual({
      ok: true,
      task: {
        id: 'T0147',
        title: 'A title: of T0147',
        status: 'todo',
        base_branch: 'release/2',
        repos: ['web', 'api'],
        path,
        body: 'Do it.',
      },
    });
  });

  test.each([
    ['CRLF', taskText('T0147').replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${taskText('T0147')}`],
    ['no body', '---\nid: T0147\ntitle: x\nstatus: todo\n---'],
  ])('with %s', async (_name, text) => {
    const { memory } = await opened({ [path]: text });
    expect(await memory.findTask('project', 'T0147')).toMatchObject({
      ok: true,
      task: { id: 'T0147', status: 'todo' },
    });
  });

  test('one that does not exist is refused with the path to make', async () => {
    const { memory } = await opened({ [path]: taskText('T0147') });
    const found = await memory.findTask('project', 'T0148');
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining('memory/project/tasks/T0148-') });
    expect(await memory.findTask('project', 'T014')).toMatchObject({ ok: false });
    expect(await memory.findTask('other', 'T0147')).toMatchObject({ ok: false });
  });

  test('two files of one id are refused, both named', async () => {
    const { memory } = await opened({ [path]: taskText('T0147'), 'project/tasks/T0147.md': taskText('T0147') });
    const found = await memory.findTask('project', 'T0147');
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining('tasks/T0147.md') });
    expect(found).toMatchObject({ reason: expect.stringContaining(path) });
  });

  const malformed: [string, string | Buffer, string][] = [
    ['no front matter', 'just do it\n', `${path}:1: no front matter`],
    ['front matter that does not end', '---\nid: T0147\n', `${path}:1: no front matter`],
    ['another id', taskText('T0148'), 'says that it is T0148'],
    ['an unknown status', taskText('T0147', 'soon'), `${path}:4: status`],
    ['no status', '---\nid: T0147\ntitle: x\n---\n', `${path}:2: status`],
    ['a key twice', '---\nid: T0147\ntitle: x\nstatus: todo\nstatus: done\n---\n', `${path}:5: the key "status"`],
    ['an anchor', '---\nid: T0147\ntitle: &a x\nstatus: todo\n---\n', `${path}:3: YAML anchors`],
    ['a branch like an option', taskText('T0147', 'todo', 'base_branch: --upload-pack=x\n'), `${path}:5: base_branch`],
    ['bytes that are no text', Buffer.from([0x2d, 0x2d, 0x2d, 0xff]), `${path}:1: not a text file`],
    ['an escape in a value', taskText('T0147', '"to\\edo"'), `${path}:4: status`],
  ];
  test.each(malformed)('malformed by hand is refused with its line, and stays: %s', async (_name, text, said) => {
    const { ground, memory } = await opened({ [path]: text });
    expect(await memory.findTask('project', 'T0147')).toMatchObject({
      ok: false,
      reason: expect.stringContaining(said),
    });
    expect(await memory.setStatus('project', 'T0147', 'done', 'task abcde')).toMatchObject({ status: 'refused' });
    expect(ground.read(path)).toBe(text.toString());
  });

  test('a link is no task', async () => {
    const { ground, memory } = await opened({ 'elsewhere.md': taskText('T0147') });
    mkdirSync(join(ground.folder, 'project/tasks'), { recursive: true });
    symlinkSync(join(ground.folder, 'elsewhere.md'), join(ground.folder, path));
    expect(await memory.findTask('project', 'T0147')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('ELOOP'),
    });
  });

  test('listed: the newest first, and what cannot be read by name', async () => {
    const { ground, memory } = await opened({
      [path]: taskText('T0147'),
      'project/tasks/T0150.md': taskText('T0150', 'done'),
      'project/tasks/T0149.md': 'x',
    });
    const listed = await memory.listTasks('project');
    expect(listed.tasks.map(({ id, status }) => `${id} ${status}`)).toEqual(['T0150 done', 'T0147 todo']);
    expect(listed.refused).toEqual([expect.stringContaining('T0149.md:1')]);
    writeFileSync(join(ground.folder, 'project/tasks/T0149.md'), taskText('T0149'));
    expect((await memory.listTasks('project')).refused).toEqual([]);
  });
});

describe('status', () => {
  test('only the word after status changes, and each change is a commit that says why', async () => {
    const text = taskText(
      'T0147',
      "'todo'   # not yet",
      'owner: me\nstatus-page: x\n',
      'status: todo\nstays as it is  ',
    );
    const { ground, memory } = await opened({ [path]: text });
    expect(await memory.setStatus('project', 'T0147', 'review', 'task k7f3q')).toEqual({ status: 'committed' });
    expect(ground.read(path)).toBe(text.replace("'todo'", 'review'));
    expect(ground.log()[0]).toBe('Countersign: T0147: status review (task k7f3q)');
    expect(ground.status()).toBe('');
  });

  test('the same status again is no commit', async () => {
    const { ground, memory } = await opened({ [path]: taskText('T0147', 'review') });
    const before = ground.log();
    expect(await memory.setStatus('project', 'T0147', 'review', 'task k7f3q')).toEqual({ status: 'committed' });
    expect(ground.log()).toEqual(before);
  });

  test.each([
    ['CRLF', taskText('T0147').replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${taskText('T0147')}`],
    ['no line feed at the end', taskText('T0147').trimEnd()],
  ])('every other byte stays: %s', (_name, text) => {
    const changed = withStatus(Buffer.from(text), 'done');
    expect(changed.ok && changed.bytes.toString()).toBe(text.replace('status: todo', 'status: done'));
  });

  test.each([
    ['a flow mapping', '---\n{id: T0147, title: x, status: todo}\n---\n'],
    ['a quoted key', '---\nid: T0147\ntitle: x\n"status": todo\n---\n'],
    ['a value on the next line', '---\nid: T0147\ntitle: x\nstatus:\n  todo\n---\n'],
    ['a text that looks like it', '---\nid: T0147\ntitle: "x\n  y"\nother: |\n  status: todo\n"status": todo\n---\n'],
  ])('one that does not stand on a line of its own is refused: %s', (_name, text) => {
    expect(withStatus(Buffer.from(text), 'done')).toMatchObject({ ok: false });
  });
});
