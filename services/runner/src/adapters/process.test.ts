import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { run } from './process.ts';

const begin = () => ({ cwd: scratchFolder(), env: { PATH: '/usr/bin:/bin' } });
const sh = (script: string) => ['-c', script] as const;

test('a program gets its arguments without a shell, and exactly the environment that is given', async () => {
  process.env['RUNNER_TEST_SECRET'] = 'hunter2';
  const finished = await run('env', [], { ...begin(), env: { PATH: '/usr/bin:/bin', ONLY: 'this' } });
  delete process.env['RUNNER_TEST_SECRET'];
  expect(finished.stdout.toString().trim().split('\n').sort()).toEqual(['ONLY=this', 'PATH=/usr/bin:/bin']);
  const echoed = await run('printf', ['%s', '$(id); `id` > x'], begin());
  expect(echoed.stdout.toString()).toBe('$(id); `id` > x');
});

test('bytes go in and come out as they are, the last line feed too', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 10]);
  expect((await run('cat', [], { ...begin(), input: bytes })).stdout.equals(bytes)).toBe(true);
  const options = begin();
  writeFileSync(join(options.cwd, 'in'), bytes);
  const out = join(options.cwd, 'out');
  const finished = await run('cat', [], { ...options, input: { path: join(options.cwd, 'in') }, outputPath: out });
  expect(readFileSync(out).equals(bytes)).toBe(true);
  expect(finished).toMatchObject({ exitCode: 0, cause: '' });
  expect(finished.stdout).toHaveLength(0);
});

test('without input a program that reads ends', async () => {
  expect(await run('cat', [], begin())).toMatchObject({ exitCode: 0 });
});

test('a failure is an answer', async () => {
  const finished = await run('sh', sh('echo out; echo err >&2; exit 3'), begin());
  expect(finished).toMatchObject({ exitCode: 3, stderr: 'err\n' });
  expect(finished.stdout.toString()).toBe('out\n');
});

test('a program that does not exist has no exit code and says so', async () => {
  const finished = await run('no-such-program', [], begin());
  expect(finished.exitCode).toBeUndefined();
  expect(finished.cause).toMatch(/ENOENT/);
});

test.each<[string, object, string]>([
  ['that takes too long', { timeoutMs: 50 }, 'exec sleep 30'],
  ['that says too much', { maxBytes: 1_000 }, 'yes'],
  ['that is no longer wanted', { signal: AbortSignal.timeout(50) }, 'exec sleep 30'],
  ['that does not listen', { timeoutMs: 50 }, 'trap "" TERM; while :; do sleep 0.1; done'],
])('a program %s is stopped', async (_name, options, script) => {
  const finished = await run('sh', sh(script), { ...begin(), ...options });
  expect(finished.exitCode).toBeUndefined();
  expect(finished.cause).not.toBe('');
  expect(finished.stdout.length).toBeLessThanOrEqual(1_000);
});
