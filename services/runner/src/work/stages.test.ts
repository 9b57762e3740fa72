import { expect, test } from 'vitest';
import { Stages } from './stages.ts';

test('each stage takes what passed since the one before, and what is passed twice takes both times', () => {
  let now = 100;
  const stages = new Stages(() => now);
  const pass = (ms: number, name: Parameters<Stages['end']>[0]) => {
    now += ms;
    stages.end(name);
  };
  expect(stages.ms).toEqual({});
  pass(1.26, 'grounds');
  pass(20, 'packet');
  pass(5, 'sandbox');
  pass(2, 'packet');
  expect(stages.ms).toEqual({ grounds: 1.3, sandbox: 5, packet: 22 });
  expect(Object.keys(stages.ms)).toEqual(['grounds', 'packet', 'sandbox']);
});
