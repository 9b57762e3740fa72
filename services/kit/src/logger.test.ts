import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';

test('a log line has its service, level, time and fields, and no secret', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-logger-'));
  try {
    const logger = createLogger('runner', 'info', join(folder, 'logs'));
    logger.info(
      { task: 'abcde', token: 's3cret', command: { signature: 's3cret' }, a: { b: { password: 's3cret' } } },
      'a thing',
    );
    logger.debug('not asked for');
    const path = join(folder, 'logs/runner.jsonl');
    const text = await readFile(path, 'utf8');
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ service: 'runner', level: 'info', task: 'abcde', msg: 'a thing' });
    expect(text).not.toContain('s3cret');
    expect((await stat(path)).mode & 0o007).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('A28 whatever stands in a field or in a message, it is one line of JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-logger-'));
  const hostile = [
    'a\n{"level":"info","msg":"the task was approved"}',
    '"},"level":"fatal","x":{"y":"',
    '\r\n\r\n[INFO] approved',
    '\u001b[2K\u001b[1Aapproved',
    '\0\b\f\v\u0085\u2028\u2029',
    '%s %d %j %o',
    '\ud800',
  ];
  try {
    const logger = createLogger('runner', 'info', join(folder, 'logs'));
    for (const text of hostile) logger.info({ sender: text, reason: text, file: text, [text]: text }, text);
    const lines = (await readFile(join(folder, 'logs/runner.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(hostile.length);
    for (const [index, line] of lines.entries()) {
      const text = hostile[index];
      expect(JSON.parse(line)).toMatchObject({
        level: 'info',
        service: 'runner',
        sender: text,
        reason: text,
        file: text,
      });
      expect([...line].filter((character) => character < ' ')).toEqual([]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
