import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => void child.kill('SIGKILL')));

function start(script: string, environment: Record<string, string>) {
  const file = path.join(import.meta.dirname, script);
  const child = spawn(process.execPath, [file], { env: { HOST: '127.0.0.1', ...environment }, stdio: 'pipe' });
  children.push(child);
  return child;
}

async function startListening() {
  const child = start('main.ts', { PORT: '0' });
  for await (const line of createInterface({ input: child.stdout })) {
    const { port } = JSON.parse(line);
    if (port) return { child, port: String(port) };
  }
  throw new Error('the model ended before it listened');
}

async function exitCode(child: ChildProcess) {
  const [code] = await once(child, 'exit');
  return code;
}

test('the health check passes while the model answers, and SIGTERM ends it in the middle of an answer', async () => {
  const { child, port } = await startListening();
  expect(await exitCode(start('health-main.ts', { PORT: port }))).toBe(0);

  const body = JSON.stringify({ model: 'rehearsal', prompt: 'run ls\nrehearsal: slow 10s' });
  const answer = await fetch(`http://127.0.0.1:${port}/api/generate`, { method: 'POST', body });
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(0);
  await expect(answer.text()).rejects.toThrow();
  expect(await exitCode(start('health-main.ts', { PORT: port }))).toBe(1);
});

test('does not start with a setting that it cannot use, and names it', async () => {
  const child = start('main.ts', { PORT: 'eleven' });
  const complaint: string[] = [];
  child.stderr.on('data', (part) => complaint.push(String(part)));
  expect(await exitCode(child)).not.toBe(0);
  expect(complaint.join('')).toMatch(/PORT is a number/);
});
