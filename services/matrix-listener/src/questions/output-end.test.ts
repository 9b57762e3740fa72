import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { readOutputEnd } from './output-end.ts';

const since = '2026-11-20T10:00:00.000Z';
const record = makeRecord({ status: 'failed', since, reason: '', error_class: 'agent_failed', result: null } as never, {
  attempts: 2,
});

function begin() {
  const volumes = scratchFolder();
  const folder = join(volumes, 'runs/RUN-20261120-001/tasks/gated/attempts/2');
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string, at: number) => {
    writeFileSync(join(folder, name), text);
    utimesSync(join(folder, name), at, at);
  };
  return { volumes, folder, write, read: () => readOutputEnd(volumes, record) };
}

test('of all output that which was written last, and what else there is', async () => {
  const { write, read } = begin();
  write('plan.stdout.log', 'a plan\n', 100);
  write('stdout.log', 'one\n\ttwo\n', 300);
  write('stderr.log', '', 400);
  expect(await read()).toEqual({
    name: 'stdout.log',
    size: 9,
    lines: ['one', '    two'],
    others: [{ name: 'plan.stdout.log', size: 7 }],
  });
});

test('of a long one its end, in whole lines', async () => {
  const { write, read } = begin();
  write('stdout.log', Array.from({ length: 5_000 }, (_, index) => `line ${index} ü`).join('\n'), 100);
  const end = await read();
  expect(end?.lines.at(-1)).toBe('line 4999 ü');
  expect(end?.lines.every((line) => /^line \d+ ü$/.test(line))).toBe(true);
  expect(Buffer.byteLength(end?.lines.join('\n') ?? '')).toBeLessThanOrEqual(listenerLimits.outputEndBytes);
});

test('bytes that are no text, and what acts, become a text that does nothing', async () => {
  const { write, folder, read } = begin();
  write('stderr.log', '\u001b[2J\u202eevil\r\n', 100);
  expect((await read())?.lines).toEqual(['\\u{1b}[2J\\u{202e}evil']);
  writeFileSync(join(folder, 'stderr.log'), Buffer.from([0xff, 0xfe, 0x00, 0x41]));
  expect((await read())?.lines).toEqual(['\ufffd\ufffd\\u{0}A']);
});

test('A16 no link is followed, no pipe waited for, and no folder above is a link', async () => {
  const { volumes, folder, read } = begin();
  writeFileSync(join(volumes, 'secret'), 'secret');
  symlinkSync(join(volumes, 'secret'), join(folder, 'stdout.log'));
  execFileSync('mkfifo', [join(folder, 'stderr.log')]);
  mkdirSync(join(folder, 'plan.stdout.log'));
  expect(await read()).toBeNull();
  const linked = makeRecord(record.state, { id: 'other', attempts: 2 });
  symlinkSync(join(volumes, 'runs/RUN-20261120-001/tasks/gated'), join(volumes, 'runs/RUN-20261120-001/tasks/other'));
  writeFileSync(join(folder, 'rebase.stdout.log'), 'x');
  expect(await readOutputEnd(volumes, linked)).toBeNull();
});

test('before the first attempt there is nothing', async () => {
  expect(await readOutputEnd('/nowhere', makeRecord(record.state, { attempts: 0 }))).toBeNull();
});
