import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DashboardGround } from '../testing/dashboard-ground.ts';
import { running, task } from '../testing/records.ts';

describe('W16 names from an address', () => {
  const hostile = [
    '../secret',
    '..%2fsecret',
    '/etc/passwd',
    'a\0b',
    '..',
    '.',
    '',
    'x/../../secret',
    '%2e%2e/secret',
    'diffs/../../../task.json',
    'artifacts/../../task.json',
    'C:\\x',
    ['a'],
    { a: 1 },
    null,
    7,
    'a'.repeat(10_000),
  ];

  test.each(hostile.map((name) => [JSON.stringify(name).slice(0, 60), name]))(
    '%s is no task, file or service',
    async (_, name) => {
      const ground = new DashboardGround();
      const record = task('one', running);
      await ground.says('task_started', record);
      writeFileSync(join(ground.volumes, 'secret'), 'a secret');
      const { queries } = await ground.open();
      const refused = { code: 'bad_request' };
      await expect(queries.task(name)).rejects.toMatchObject(refused);
      await expect(queries.artifact({ task: name, attempt: 1, name: 'stdout.log' })).rejects.toMatchObject(refused);
      await expect(queries.artifact({ task: 'one', attempt: 1, name })).rejects.toMatchObject(refused);
      await expect(queries.logs({ service: name })).rejects.toMatchObject(refused);
      await expect(queries.commandVerdict(name)).rejects.toMatchObject(refused);
      if (name !== '') await expect(queries.runs({ after: name })).rejects.toMatchObject(refused);
    },
  );
});

test('a file of an attempt is read in pieces, from its end too', async () => {
  const ground = new DashboardGround();
  const record = task('one', running);
  await ground.says('task_started', record);
  ground.write(record, 'attempts/1/stdout.log', '0123456789');
  const { queries } = await ground.open();
  const read = async (asked: object) => {
    const opened = await queries.artifact({ task: 'one', attempt: '1', name: 'stdout.log', ...asked });
    const chunks = await opened.stream().toArray();
    return [Buffer.concat(chunks).toString(), opened.start, opened.end, opened.bytes, opened.kind];
  };
  expect(await read({})).toEqual(['0123456789', 0, 10, 10, 'log']);
  expect(await read({ start: '3', bytes: '4' })).toEqual(['3456', 3, 7, 10, 'log']);
  expect(await read({ start: -2 })).toEqual(['89', 8, 10, 10, 'log']);
  expect(await read({ start: 50 })).toEqual(['', 10, 10, 10, 'log']);
  await expect(queries.artifact({ task: 'one', attempt: 2, name: 'stdout.log' })).rejects.toMatchObject({
    code: 'not_found',
  });
});
