import { expect, test } from 'vitest';
import { Troubles } from './troubles.ts';

test('all is well until something is not', () => {
  const troubles = new Troubles();
  expect(troubles.report).toEqual({ status: 'ok', reason: '' });
  troubles.set('send', 'waiting', 'a');
  expect(troubles.report).toEqual({ status: 'waiting', reason: 'a' });
  troubles.set('sync', 'failing', 'b');
  expect(troubles.report).toEqual({ status: 'failing', reason: 'a; b' });
  troubles.clear('sync');
  troubles.clear('journals');
  expect(troubles.report).toEqual({ status: 'waiting', reason: 'a' });
  troubles.clear('send');
  expect(troubles.report).toEqual({ status: 'ok', reason: '' });
});

test('whoever waits for a change is told of each that is one', () => {
  const troubles = new Troubles();
  let told = 0;
  const listen = () =>
    troubles.changed.addEventListener('abort', () => {
      told += 1;
      listen();
    });
  listen();
  const after = (change: () => void) => {
    change();
    return told;
  };
  expect(after(() => troubles.set('send', 'waiting', 'a'))).toBe(1);
  expect(after(() => troubles.set('send', 'waiting', 'a'))).toBe(1);
  expect(after(() => troubles.set('send', 'failing', 'a'))).toBe(2);
  expect(after(() => troubles.set('send', 'failing', 'b'))).toBe(3);
  expect(after(() => troubles.clear('sync'))).toBe(3);
  expect(after(() => troubles.clear('send'))).toBe(4);
});

test('the same reason is said once, and the last one of a part counts', () => {
  const troubles = new Troubles();
  troubles.set('send', 'failing', 'old');
  troubles.set('send', 'waiting', 'the homeserver does not answer');
  troubles.set('sync', 'waiting', 'the homeserver does not answer');
  expect(troubles.report).toEqual({ status: 'waiting', reason: 'the homeserver does not answer' });
});
