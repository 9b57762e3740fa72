import { expect, it } from 'vitest';
import { startProcess } from './process.ts';

it('answers --check with one line of JSON', async () => {
  const argv = [process.execPath, `${import.meta.dirname}/main.ts`, '--check'];
  const check = startProcess({ argv, cwd: '/', env: { PATH: process.env['PATH'] ?? '' } });
  let printed = '';
  for await (const data of check.stdout) printed += String(data);
  expect(await check.ended).toEqual({ kind: 'exited', code: 0 });
  expect(JSON.parse(printed)).toEqual({ status: 'ok', git: expect.stringMatching(/^\d+\./), node: process.version });
  expect(printed.split('\n')).toHaveLength(2);
});
