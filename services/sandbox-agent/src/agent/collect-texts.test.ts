import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outputFiles } from '../task-folder.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { collectNotes, collectPlan, collectTokens, collectToolError } from './collect-texts.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'texts-'));
  mkdirSync(outputFiles(folder).artifacts, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noTokens = { prompt: 0, completion: 0, requests: 0 };

test.each<[string, (path: string) => void]>([
  ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path])],
  ['a link to a file', (path) => symlinkSync('/etc/passwd', path)],
  ['a link to a device without an end', (path) => symlinkSync('/dev/zero', path)],
  ['a folder', (path) => mkdirSync(path)],
])('S067 %s in place of what a tool leaves is nothing, and nobody waits for it', async (_what, make) => {
  const { summary, handoff, plan, usage, error, artifacts } = outputFiles(folder);
  for (const { path } of [summary, handoff, plan, usage, error]) make(path);
  make(join(artifacts, 'a'));
  writeFileSync(join(artifacts, 'b'), 'kept');
  expect(await collectNotes(folder)).toEqual([]);
  expect(await collectPlan(folder)).toEqual({ problem: 'the tool left no plan' });
  expect(await collectTokens(folder)).toEqual(noTokens);
  expect(await collectToolError(folder)).toBeUndefined();
  expect(await collectArtifacts(folder)).toMatchObject({
    entries: [{ bytes: 4 }],
    notes: ['1 artifacts were left out'],
  });
});

test('S066 a socket among the artifacts is left out, and a file with holes is taken by its bytes', async () => {
  const { artifacts } = outputFiles(folder);
  const server = createServer().listen(join(artifacts, 'a'));
  writeFileSync(join(artifacts, 'b'), '');
  execFileSync('truncate', ['-s', '2M', join(artifacts, 'b')]);
  execFileSync('truncate', ['-s', '1T', join(artifacts, 'c')]);
  expect(await collectArtifacts(folder)).toMatchObject({
    entries: [{ bytes: 2 * 1024 * 1024 }],
    notes: ['2 artifacts were left out'],
  });
  server.close();
});

test('S059 figures and errors that are deeply nested are none', async () => {
  const { usage, error } = outputFiles(folder);
  writeFileSync(usage.path, `{"prompt":${'['.repeat(400)}${']'.repeat(400)}}`);
  writeFileSync(error.path, `${'['.repeat(8_000)}${']'.repeat(8_000)}`);
  expect(await collectTokens(folder)).toEqual(noTokens);
  expect(await collectToolError(folder)).toBeUndefined();
});
