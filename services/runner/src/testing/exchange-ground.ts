import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { type ExchangeOptions, exchange } from '../sandbox/exchange.ts';
import { Slot } from '../sandbox/slot.ts';
import { FakeSandbox } from './fake-sandbox.ts';
import { scratchFolder } from './scratch.ts';

export const taskId = 'abcde';

/** A slot, a task for it, and both sides' ends: `start` begins the exchange, `greet` connects a sandbox. */
export async function beginExchange(task: Partial<TaskFrame> = {}, options: Partial<ExchangeOptions> = {}) {
  const folder = scratchFolder();
  const slots = join(folder, 'slots');
  const incoming = join(folder, 'incoming');
  mkdirSync(slots);
  mkdirSync(incoming);
  const packBytes = randomBytes(2 * 1024 * 1024 + 17);
  const pack = { path: join(folder, 'base.pack'), bytes: packBytes.length, sha256: sha256(packBytes) };
  writeFileSync(pack.path, packBytes);
  const slot = await Slot.open(slots);
  const stop = new AbortController();
  const leave = new AbortController();
  const lines: string[] = [];
  const frame: TaskFrame = {
    task: taskId,
    mode: 'run',
    command: ['tool'],
    model: 'small',
    step_limit: 10,
    token_budget: 1_000,
    interrupt_ms: 20,
    terminate_ms: 20,
    output_bytes: 1_000,
    repositories: [{ name: 'project', base_head: 'a'.repeat(40), pack: { bytes: pack.bytes, sha256: pack.sha256 } }],
    texts: 1,
    ...task,
  };
  const files = { folder: incoming, stdout: join(folder, 'stdout.log'), stderr: join(folder, 'stderr.log') };
  const start = (changed: Partial<ExchangeOptions> = {}) =>
    exchange({
      slot,
      assignment: { task: frame, texts: [{ name: 'objective', text: 'do it' }], packs: [pack] },
      files,
      lost: () => Promise.resolve(null),
      progress: (line) => lines.push(line),
      stop: stop.signal,
      leave: leave.signal,
      waits: { collectMs: 60, lostCheckMs: 10 },
      ...options,
      ...changed,
    });
  const greet = (state: 'idle' | 'busy' | 'ended' = 'idle', of: string | null = state === 'idle' ? null : taskId) =>
    FakeSandbox.greet(slots, slot.id, state, of);
  return { folder, slots, slot, stop, leave, lines, files, pack, packBytes, start, greet };
}
