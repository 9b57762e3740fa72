import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Assigner } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';
import { ModelServer } from '../support/sandbox-model.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;
let model: ModelServer;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('model');
  assigner = await Assigner.open(sandboxes.folder);
  model = await ModelServer.start();
});
afterEach(() => sandboxes.clear());
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await sandboxes[Symbol.asyncDispose]();
});

async function startWithModel() {
  const sandbox = await sandboxes.start();
  return { sandbox, door: await model.openDoor(sandbox.modelFolder) };
}

const objective = 'create hello.txt with hi';

test('a model that makes the same call for ever is ended, and what it has made is kept', async () => {
  const { sandbox } = await startWithModel();
  const result = await assigner.run(sandbox, { objective: `${objective}\nrehearsal: loop` });
  expect(result.end).toMatchObject({ exit_code: 11, reason: 'failed', error_class: 'repeated_calls' });
  expect(result.end.message).toContain('write_file 5 times in a row');
  expect(await result.file('hello.txt')).toBe('hi');
  expect(result.summary).toContain('failed (repeated_calls)');
});

test('a model that makes senseless calls is ended', async () => {
  const { sandbox } = await startWithModel();
  const result = await assigner.run(sandbox, { objective: `${objective}\nrehearsal: garbage while executing` });
  expect(result.end).toMatchObject({ exit_code: 11, reason: 'failed', error_class: 'repeated_calls', bundles: [] });
});

test.each([
  ['cut', 3],
  ['mid-stream-error', 3],
])('an answer that breaks off (%s) is asked for again, and then said', async (directive, questions) => {
  const { sandbox, door } = await startWithModel();
  const result = await assigner.run(sandbox, { objective: `${objective}\nrehearsal: ${directive} while executing` });
  expect(result.end).toMatchObject({ exit_code: 11, reason: 'failed', error_class: 'model_failed', bundles: [] });
  expect(result.end.message).toContain("the model's answer broke off");
  // One for the plan, which was answered.
  expect(door.questions).toBe(1 + questions);
});

test('a line that is none in the middle of an answer is passed over, and said', async () => {
  const { sandbox } = await startWithModel();
  const result = await assigner.run(sandbox, { objective: `${objective}\nrehearsal: garbage-stream while executing` });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  expect(await result.file('hello.txt')).toBe('hi');
  expect(await result.stderr()).toContain('invalid json');
});

test('a model that is slow is waited for, word by word', async () => {
  const { sandbox } = await startWithModel();
  const result = await assigner.run(sandbox, { objective: `${objective}\nrehearsal: slow 20ms` });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  expect(await result.file('hello.txt')).toBe('hi');
});

test('a server that is busy for a while is waited for', async () => {
  const { sandbox, door } = await startWithModel();
  door.busyFor = 2;
  const result = await assigner.run(sandbox, { objective });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished', tokens: { requests: 3 } });
  expect(door.questions).toBe(2 + 3);
  expect(await result.file('hello.txt')).toBe('hi');
});

test('a server that stays busy is asked again until the operator has had enough', async () => {
  const { sandbox, door } = await startWithModel();
  const attempt = await assigner.begin(sandbox, { objective: `${objective}\nrehearsal: error 503 while executing` });
  await expect.poll(() => door.questions, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
  attempt.stop('had enough');
  const result = await attempt.result();
  expect(result.end).toMatchObject({ exit_code: 130, reason: 'stopped', error_class: 'stopped', bundles: [] });
  expect(result.end.message).toContain('had enough');
  expect(result.summary).toContain('- Outcome: stopped');
});

test('a way to the model that goes away in the middle and comes back is used again', async () => {
  const { sandbox, door } = await startWithModel();
  const attempt = await assigner.begin(sandbox, {
    objective: 'create one.txt with 1\ncreate two.txt with 2\nrehearsal: slow 20ms while executing',
  });
  await expect.poll(() => attempt.stdout(), { timeout: 20_000 }).toContain('step 1: write_file one.txt');
  await door.close();
  await model.openDoor(sandbox.modelFolder);
  const result = await attempt.result();
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  expect([await result.file('one.txt'), await result.file('two.txt')]).toEqual(['1', '2']);
});
