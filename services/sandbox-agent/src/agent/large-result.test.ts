import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeChunk, decodeJson } from '@countersign/contracts/frame-codec.ts';
import { EndFrame } from '@countersign/contracts/frames.ts';
import { afterEach, expect, it } from 'vitest';
import { type RunningProcess, startProcess } from '../process.ts';
import { makeRepository } from '../testing/repository.ts';
import { nothingHeld, RunnerDouble, type RunnerLink } from '../testing/runner-double.ts';

const mebibyte = 1024 * 1024;
const resultBytes = 200 * mebibyte;

let agent: RunningProcess | undefined;
let folder = '';
afterEach(() => {
  agent?.signal('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

/** Reads the bundle until it is whole or cut, without keeping it. */
async function drain(link: RunnerLink, state: { held: number }, hash: ReturnType<typeof createHash>, limit: number) {
  for (;;) {
    const frame = await link.next();
    if (frame === undefined) throw new Error('the sandbox closed the connection');
    if (frame.name === 'end') return decodeJson(frame.payload, EndFrame);
    if (frame.name !== 'bundle') continue;
    const { offset, data } = decodeChunk(frame.payload);
    expect(offset).toBe(state.held);
    hash.update(data);
    state.held += data.length;
    if (state.held > limit) return undefined;
  }
}

it('delivers 200 MB, cut in the middle, without holding them in memory', { timeout: 120_000 }, async () => {
  folder = mkdtempSync(join(tmpdir(), 'large-result-'));
  const folders = ['slot', 'model', 'workspace', 'tmp'].map((name) => join(folder, name));
  for (const path of folders) mkdirSync(path);
  const { frame, pack } = makeRepository(join(folder, 'origin'), 'demo');
  const runner = await RunnerDouble.listen(join(folder, 'slot', 'control.sock'));
  agent = startProcess({
    argv: [process.execPath, join(import.meta.dirname, '../testing/agent-process.ts'), ...folders],
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const pid = agent.pid ?? 0;
  const first = await runner.accept();
  await first.hello();
  const idle = memoryOf(pid, 'VmRSS');
  first.sendTask(
    {
      task: 'large',
      mode: 'run',
      command: ['sh', '-c', `head -c ${resultBytes} /dev/urandom > big.bin`],
      model: '',
      step_limit: 1,
      token_budget: 1,
      interrupt_ms: 1_000,
      terminate_ms: 1_000,
      output_bytes: mebibyte,
      repositories: [frame],
      texts: 0,
    },
    [],
    [pack],
  );
  const state = { held: 0 };
  const hash = createHash('sha256');
  expect(await drain(first, state, hash, resultBytes / 2)).toBeUndefined();
  first.close();

  const second = await runner.accept();
  expect((await second.hello()).state).toBe('ended');
  const started = performance.now();
  const before = state.held;
  second.send('resend', { task: 'large', ...nothingHeld, bundles: [state.held] });
  const end = await drain(second, state, hash, Number.POSITIVE_INFINITY);
  const megabytesPerSecond = Math.round((state.held - before) / 1_000 / (performance.now() - started));
  expect(end?.bundles[0]).toMatchObject({ bytes: state.held, sha256: hash.digest('hex') });
  expect(state.held).toBeGreaterThan(resultBytes);
  const peak = memoryOf(pid, 'VmHWM');
  process.stdout.write(`agent process: ${idle} MB idle, ${peak} MB at most; ${megabytesPerSecond} MB/s\n`);
  expect(peak).toBeLessThan(idle + 150);
  second.send('ack', { task: 'large' });
  expect(await agent.ended).toEqual({ kind: 'exited', code: 0 });
  runner.close();
});
