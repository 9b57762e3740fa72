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
