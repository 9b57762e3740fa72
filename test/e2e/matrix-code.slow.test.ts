import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeAt } from '../../services/runner/src/testing/one-time-code.ts';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;
let phone: Phone;
let seed: string;

/** The two lines that stand there as a comment. */
async function letRoomDecide(configs: string): Promise<void> {
  const path = join(configs, 'stages.yaml');
  const shipped = await readFile(path, 'utf8');
  const listed = shipped
    .replace('# - channel: matrix', '- channel: matrix')
    .replace("#   persons: ['@operator:countersign.local']", "  persons: ['@operator:countersign.local']");
  expect(listed).not.toBe(shipped);
  await writeFile(path, listed);
}

beforeAll(async () => {
  stack = await Stack.up('matrix-code', letRoomDecide);
  phone = await Phone.login(join((await stack.places()).secrets, 'enrol', 'operator.env'));
  const { exitCode } = await stack.script('countersign', ['enrol-code']);
  expect(exitCode).toBe(0);
  seed = (await readFile(join(stack.secrets, 'runner', 'prod-code.seed'), 'utf8')).trim();
});
afterAll(() => stack[Symbol.asyncDispose]());

const prod = (name: string) => `workspace: mini-control-plane\nstage: prod\n\ncreate ${name}.txt with one\n`;
const code = () => codeAt(new Date(), seed);
/** Until a code that was used is that of an earlier step. */
const nextCode = () => sleep(30_000 - (Date.now() % 30_000) + 500);

test('A22 A31 where stages.yaml lists the room, prod is approved and merged there, each with a code of its own', async () => {
  await stack.drop('live.md', prod('live'));
  const asked = await phone.receives(['live.md']);
  expect(String(asked.content['body'])).toMatch(/write `approve \S+ CODE`/);
  const { id } = await stack.reaches('live.md', ['pending']);
  for (const words of ['approve live.md', 'approve live.md 12345'])
    expect(await phone.answerTo(await phone.say(words))).toMatch(/^Refused/);
  await phone.react(asked.event_id, '✅');
  expect((await stack.task('live.md'))?.state.status).toBe('pending');

  const used = code();
  const said = await phone.say(`approve live.md ${used}`);
  await stack.reaches('live.md', ['review'], 90_000);
  await phone.signOn(said);
  // Before the room has been asked for it there is nothing that it could merge.
  await phone.receives(['Finished, and not verified', id]);
  expect(await phone.answerTo(await phone.say(`merge ${id} unverified ${used}`))).toMatch(/used already|not right/);
  expect((await stack.task('live.md'))?.state.status).toBe('review');
  await nextCode();
  const second = code();
  await phone.say(`merge ${id} unverified ${second}`);
  const { run } = await stack.reaches('live.md', ['done'], 90_000);

  const journals = await Promise.all(
    ['', run].map((each) => readFile(join(stack.home, 'runs', each, 'telemetry.jsonl'), 'utf8')),
  );
  const { stdout: log } = await stack.compose('logs', 'matrix-listener', 'runner');
  expect(journals.join('')).toContain('"second_factor"');
  for (const each of [used, second]) expect([...journals, log].join('\n')).not.toMatch(new RegExp(`[" ]${each}[" ]`));
});

test('a code that is typed while the runner is down does not last, and the room says so', async () => {
  await stack.drop('late.md', prod('late'));
  await phone.receives(['late.md']);
  await stack.reaches('late.md', ['pending']);
  await stack.compose('stop', 'runner');
  const said = await phone.say(`approve late.md ${code()}`);
  expect(await phone.answerTo(said)).toContain('lasts for a moment');
  await sleep(95_000);
  await stack.compose('start', 'runner');
  await phone.receives(['Refused', 'has expired']);
  expect((await stack.task('late.md'))?.state.status).toBe('pending');
  expect(await stack.countersign('reject', 'late.md')).toMatchObject({ exitCode: 0 });
});
