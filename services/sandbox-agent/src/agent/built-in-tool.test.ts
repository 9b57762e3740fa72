import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { documented, OllamaDouble, says } from '../testing/ollama-double.ts';
import { operatorGit } from '../testing/repository.ts';
import { shellTask, startSandbox } from '../testing/sandbox.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A sandbox whose slot holds a model server, and the connection of its runner. */
async function start(model: OllamaDouble) {
  const sandbox = await startSandbox();
  const slot = createServer((socket) => {
    const server = connect(Number(new URL(model.host).port), '127.0.0.1');
    socket.pipe(server).pipe(socket);
    for (const each of [socket, server]) each.on('error', () => undefined);
  });
  slot.listen(sandbox.paths.modelSocket);
  await once(slot, 'listening');
  open.push(sandbox, slot, model);
  const link = await sandbox.runner.accept();
  await link.hello();
  const command = [process.execPath, join(import.meta.dirname, '../tool/main.ts')];
  const texts = [
    { name: 'objective', text: 'Say hello.' },
    { name: 'prompt-run', text: 'You are a coding agent.' },
    { name: 'plan', text: '1. Write hello.txt' },
  ] as const;
  link.sendTask(shellTask(sandbox, '', { command, texts: 3, model: 'llama3.2' }), texts, [sandbox.repository.pack]);
  return { sandbox, link };
}

it('the built-in tool works through the slot, from task to bundle', async () => {
  const model = await OllamaDouble.listen(
    says(documented.calls(['write_file', { path: 'hello.txt', content: 'hello\n' }])),
    says(documented.calls(['finish', { summary: 'Said hello.', next: 'Say goodbye.' }])),
  );
  const { sandbox, link } = await start(model);
  const { end, texts, stdout, bundles } = await link.receive();
  expect(end).toMatchObject({ exit_code: 0, reason: 'finished', tokens: { prompt: 338, completion: 30, requests: 2 } });
  expect(JSON.parse(texts.handoff ?? '')).toEqual({ what: 'Said hello.', next: 'Say goodbye.' });
  expect(stdout.toString()).toContain('step 1: write_file hello.txt\nstep 2: finish\n');
  expect(texts.summary).toContain('> Said hello.');
  const file = join(sandbox.folder, 'result.bundle');
  await writeFile(file, bundles[0] ?? '');
  operatorGit(sandbox.repository.folder, ['fetch', '-q', file, 'refs/heads/agent:refs/result']);
  expect(operatorGit(sandbox.repository.folder, ['show', 'refs/result:hello.txt']).toString()).toBe('hello\n');
});

it('the built-in tool’s own reason reaches the runner', async () => {
  const model = await OllamaDouble.listen();
  model.show = { status: 404, body: documented.notFound };
  const { link } = await start(model);
  const { end } = await link.receive();
  expect(end).toMatchObject({ exit_code: 10, reason: 'failed', error_class: 'model_missing', bundles: [] });
  expect(end.message).toContain("model 'llama3.2' not found");
});
