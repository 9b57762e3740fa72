import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;
let phone: Phone;

beforeAll(async () => {
  stack = await Stack.up('outage');
  phone = await Phone.login(join((await stack.places()).secrets, 'enrol', 'operator.env'));
});
afterAll(() => stack[Symbol.asyncDispose]());

const staging = (words: string) => `workspace: mini-control-plane\nstage: staging\n\n${words}\n`;

/** The gate messages of a task in the room. */
async function requests(task: string): Promise<number> {
  const received = await phone.received();
  return received.filter(
    ({ content }) => /^Approval required/.test(String(content['body'])) && String(content['body']).includes(task),
  ).length;
}

test('a Synapse that is away for a minute costs nothing', async () => {
  await stack.drop('before.md', staging('create before.txt with one'));
  await phone.receives(['before.md']);
  await stack.compose('kill', 'synapse');
  await stack.drop('during.md', staging('create during.txt with one'));
  const { id } = await stack.reaches('during.md', ['pending']);
  await sleep(60_000);
  await stack.compose('start', 'synapse');
  for (const name of ['before.md', 'during.md']) {
    await phone.react((await phone.receives([name], 120_000)).event_id, '✅');
    await stack.reaches(name, ['review']);
  }
  expect(await requests(id)).toBe(1);
});
