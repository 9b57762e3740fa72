import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRehearsalModel, type RehearsalModel } from '@countersign/rehearsal-model/src/rehearsal-model.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const runTimeoutMs = 90_000;
const version = '1.18.33';
// Not among the project's dependencies: some of its optional platform packages are on no mirror, which breaks `npm ci`.
const client = path.resolve(import.meta.dirname, '../../.cache/test/opencode');
const manifest = path.join(client, 'node_modules/opencode-ai/package.json');

let model: RehearsalModel;
let port: number;
let folder: string;

beforeAll(async () => {
  await mkdir(client, { recursive: true });
  await writeFile(
    path.join(client, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { 'opencode-ai': true } }),
  );
  await execa('npm', ['install', '--no-save', '--no-package-lock', `opencode-ai@${version}`], { cwd: client });
  model = createRehearsalModel({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  port = await model.listen();
  folder = await mkdtemp(path.join(tmpdir(), 'opencode-client-'));
});

afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

function settings() {
  const models = { rehearsal: { name: 'rehearsal', tool_call: true } };
  const options = { baseURL: `http://127.0.0.1:${port}/v1` };
  return {
    provider: { rehearsal: { npm: '@ai-sdk/openai-compatible', name: 'rehearsal', options, models } },
    model: 'rehearsal/rehearsal',
    autoupdate: false,
    share: 'disabled',
    permission: { edit: 'allow', bash: 'allow' },
  };
}

/** Runs OpenCode with nothing of this user's: an empty home, and a proxy that refuses every way out. */
async function runOpenCode(work: string, message: string) {
  const { bin } = JSON.parse(await readFile(manifest, 'utf8'));
  const { PATH = '' } = process.env;
  const nowhere = 'http://127.0.0.1:1';
  const home = path.join(folder, 'home');
  await mkdir(home);
  return await execa(path.resolve(path.dirname(manifest), bin.opencode), ['run', message], {
    cwd: work,
    extendEnv: false,
    env: {
      HOME: home,
      TMPDIR: folder,
      PATH,
      HTTP_PROXY: nowhere,
      HTTPS_PROXY: nowhere,
      NO_PROXY: '127.0.0.1',
    },
    stdin: 'ignore',
    all: true,
    timeout: runTimeoutMs,
  });
}

test('OpenCode, offline, is driven to write a file and to run a command', async () => {
  const work = path.join(folder, 'work');
  await execa('git', ['init', '--quiet', work]);
  await writeFile(path.join(work, 'opencode.json'), JSON.stringify(settings()));

  const { all } = await runOpenCode(work, 'create hello.txt with hi\nrun git add hello.txt');

  expect(await readFile(path.join(work, 'hello.txt'), 'utf8')).toBe('hi\n');
  const staged = await execa('git', ['-C', work, 'diff', '--cached', '--name-only']);
  expect(staged.stdout).toBe('hello.txt');
  expect(all).toMatch(/I am the rehearsal model, not a language model/);
  expect(all).not.toMatch(/Not understood/);
});
