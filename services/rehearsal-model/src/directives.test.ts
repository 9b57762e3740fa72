import { expect, test } from 'vitest';
import { readDirectives } from './directives.ts';
import { maximumChunkDelayMs, maximumFillerKilobytes, maximumPauseMs } from './limits.ts';

test.each([
  ['rehearsal: slow 200ms', { chunkDelayMs: 200 }],
  ['rehearsal: pause 5s', { pauseMs: 5_000 }],
  ['Rehearsal: PAUSE 2m', { pauseMs: 120_000 }],
  ['- rehearsal: long-output 3', { fillerKilobytes: 3 }],
  ['4. rehearsal: loop', { call: 'loop' }],
  ['rehearsal: garbage', { call: 'garbage' }],
  ['rehearsal: unknown-tool', { call: 'unknown-tool' }],
  ['rehearsal: cut', { delivery: 'cut' }],
  ['rehearsal: mid-stream-error', { delivery: 'mid-stream-error' }],
  ['rehearsal: garbage-stream', { delivery: 'garbage-stream' }],
  ['rehearsal: length', { delivery: 'length' }],
  ['rehearsal: error 503', { errorStatus: 503 }],
])('reads %j', (line, expected) => {
  expect(readDirectives(`some text\n${line}\nmore`, 'executing')).toMatchObject({ ...expected, notUnderstood: [] });
});

test.each(['rehearsal: slow 200', 'rehearsal: slow', 'rehearsal: lop', 'rehearsal: cut twice', 'rehearsal: error 200'])(
  'names %j as not understood, and does nothing',
  (line) => {
    const nothing = { chunkDelayMs: 0, call: 'as-told', delivery: 'complete', errorStatus: undefined };
    expect(readDirectives(line, 'executing')).toMatchObject({ ...nothing, notUnderstood: [line] });
  },
);

test('holds every amount within its limit', () => {
  const text = 'rehearsal: slow 999999s\nrehearsal: pause 999999s\nrehearsal: long-output 999999';
  expect(readDirectives(text, 'executing')).toMatchObject({
    chunkDelayMs: maximumChunkDelayMs,
    pauseMs: maximumPauseMs,
    fillerKilobytes: maximumFillerKilobytes,
  });
});

test('a directive can be meant for planning or for executing alone, and a loop never keeps a plan from ending', () => {
  expect(readDirectives('rehearsal: cut while planning', 'planning').delivery).toBe('cut');
  expect(readDirectives('rehearsal: cut while planning', 'executing').delivery).toBe('complete');
  expect(readDirectives('rehearsal: loop', 'planning').call).toBe('as-told');
  expect(readDirectives('rehearsal: loop while planning', 'planning').call).toBe('loop');
});
