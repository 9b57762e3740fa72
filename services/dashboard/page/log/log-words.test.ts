import { expect, test } from 'vitest';
import { logWords } from './log-words.ts';

test('a line of ours is taken apart', () => {
  const line = JSON.stringify({
    level: 40,
    time: '2026-03-04T12:00:01.234Z',
    service: 'runner',
    msg: 'slow',
    task: 'k7m2p',
    ms: 7,
  });
  expect(logWords(line)).toEqual({ time: '12:00:01.234', level: 'warn', message: 'slow', rest: 'task=k7m2p ms=7' });
});

test('levels by name and times in milliseconds are read as well', () => {
  const line = JSON.stringify({ level: 'info', time: Date.parse('2026-03-04T12:00:00.000Z'), msg: 'up' });
  expect(logWords(line)).toEqual({ time: '12:00:00.000', level: 'info', message: 'up', rest: '' });
});

test.each(['plain words', '{"broken', '{"no":"message"}', '[1]', ''])('%j is its own message', (line) => {
  expect(logWords(line)).toEqual({ time: '', level: null, message: line, rest: '' });
});
