import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { editOf, reaction, text } from '../support/listener-content.ts';
import { BusyOperator } from '../support/listener-operator.ts';
import type { Asked } from '../support/listener-runner.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import { until } from '../support/listener-wait.ts';
import { Wire } from '../support/listener-wire.ts';

/** A round goes on without its moment when that does not come. */
const momentLimitMs = 3_000;
const settledLimitMs = 60_000;
const outageMs = 15_000;
/** An edit holds its text twice, and a Matrix event at most 65,536 bytes. */
const largeCharacters = 31_000;
const memoryLimit = 150 * 1024 ** 2;

let stage: ListenerStage;
let wire: Wire;

beforeAll(async () => {
  stage = await ListenerStage.begin('exactly-once', {
    through: async (synapse) => {
      wire = await Wire.to(synapse.url);
      return wire.url;
    },
  });
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  await wire[Symbol.asyncDispose]();
});

/** In the end everything was asked, decided and answered, each of it once. */
async function settles(operator: BusyOperator, asked: readonly Asked[]): Promise<void> {
  const tasks = asked.map(({ record }) => record.id);
  await operator.hasDone(tasks, settledLimitMs);
  await until('nothing is left to post', async () => (await stage.home.kept())?.outgoing.length === 0);
  for (const one of asked) expect([one.record.id, await stage.countRequests(one)]).toEqual([one.record.id, 1]);
  const ours = operator.decided.filter(({ task }) => tasks.includes(task));
  expect(ours.map(({ task }) => task).sort()).toEqual([...tasks].sort());
  const taken = [...stage.runner.taken.values()].map(({ evidence }) => evidence);
  const verdicts = await stage.verdicts();
  for (const { task, evidence, answered } of ours) {
    expect([task, taken.filter((found) => found === evidence)]).toEqual([task, [evidence]]);
    // A verdict that is there before the event was dealt with answers the event itself.
    expect([task, verdicts.filter((found) => [answered, evidence].includes(found)).length]).toEqual([task, 1]);
  }
  const waiting = (await stage.home.kept())?.issued.filter(({ stands }) => stands !== 'answered');
  expect(waiting).toEqual([]);
}

/** Kills at the first change of such a file, while what changes it is still at it. @param ending of the file's name */
function atChangeOf(folder: 'spool' | 'state', ending: '.tmp' | '.json'): () => Promise<void> {
  return async () => {
    const seen = new AbortController();
    const changed = new Promise<void>((resolve) => {
      watch(stage.home.path(folder), { signal: seen.signal }, (_event, name) => {
        if (name?.endsWith(ending)) resolve(stage.home.listener.kill());
      });
    });
    await Promise.race([changed, sleep(momentLimitMs)]);
    seen.abort();
    await stage.home.listener.kill();
  };
}

function atRequest(moment: 'asked' | 'answered', route: string): () => Promise<void> {
  return async () => {
    const kill = () => stage.home.listener.kill();
    await Promise.race([wire.cut(moment, route, kill), sleep(momentLimitMs)]);
    await kill();
  };
}

function after(milliseconds: number): () => Promise<void> {
  return async () => {
    await sleep(milliseconds);
    await stage.home.listener.kill();
  };
}

test('F the listener is killed at any moment', async () => {
  await using operator = new BusyOperator(stage);
  const chosen = [
    atRequest('asked', '/send/'),
    atRequest('answered', '/send/'),
    atChangeOf('spool', '.tmp'),
    atChangeOf('spool', '.json'),
    atChangeOf('state', '.tmp'),
    atChangeOf('state', '.json'),
    atRequest('answered', '/sync'),
  ];
  const random = Array.from({ length: 4 }, () => after(Math.random() * 1_200));
  const moments = [...chosen, ...random, ...chosen];
  const asked: Asked[] = [];
  for (const [round, moment] of moments.entries()) {
    for (const half of ['a', 'b']) asked.push(await stage.runner.ask(`kill-${round}-${half}`));
    await moment();
    stage.home.listener.start();
  }
  await settles(operator, asked);
});

test.each([
  ['is stopped for a while', outageMs, () => stage.synapse.stop()],
  ['is killed', 1_000, () => stage.synapse.kill()],
])('Synapse %s', async (_how, milliseconds, end) => {
  await using operator = new BusyOperator(stage);
  const asked = [await stage.runner.ask(`before-${milliseconds}`)];
  await stage.phone.receives([`before-${milliseconds}.md`]);
  await end();
  asked.push(await stage.runner.ask(`during-${milliseconds}`));
  await stage.home.listener.says('waiting', ['homeserver']);
  await sleep(milliseconds);
  await stage.synapse.start();
  await settles(operator, asked);
  await stage.home.listener.says('ok');
});

test('the gateway is killed, and is back', async () => {
  await using operator = new BusyOperator(stage);
  const asked = [await stage.runner.ask('before-gateway')];
  await stage.home.gateway.kill();
  asked.push(await stage.runner.ask('during-gateway'));
  await stage.home.listener.says('waiting', ['the gateway does not answer']);
  stage.home.gateway.start();
  await settles(operator, asked);
  await stage.home.listener.says('ok');
});

test('more was said while the listener was down than one sync brings: every decision is found, in its order', async () => {
  const tasks = Array.from({ length: 12 }, (_, index) => `gap-${index}`);
  const asked = new Map<string, string>();
  for (const task of tasks) asked.set(task, (await stage.asksFor(task)).message.event_id);
  await stage.home.listener.kill();
  const decisions: string[] = [];
  for (const [index, task] of tasks.entries()) {
    await Promise.all(Array.from({ length: 15 }, (_, word) => stage.phone.say(`just talk ${index} ${word}`)));
    const isReaction = index % 2 === 0;
    const event = asked.get(task) ?? '';
    decisions.push(
      isReaction
        ? await stage.sends(reaction(event, '✅'), { type: 'm.reaction' })
        : await stage.phone.say(`reject ${task} for this reason`),
    );
  }
  await stage.startListener();
  await stage.commandOf(decisions.at(-1) ?? '');
  const found = (await stage.home.spooled()).map(({ command }) => command.evidence);
  expect(found).toEqual(decisions);
});

test('messages that are as large as can be, and edited, do not keep it from what is behind them', async () => {
  const { message } = await stage.asksFor('behind-much');
  await stage.home.listener.kill();
  const large = 'x'.repeat(largeCharacters);
  const pages = Array.from({ length: 45 }, () => stage.sends(text(large, { 'org.example.more': large })));
  for (const event of await Promise.all(pages)) await stage.sends(editOf(event, large));
  const decision = await stage.phone.react(message.event_id, '✅');
  await stage.startListener();
  await stage.commandOf(decision);
  expect((await stage.home.listener.memory()).peak).toBeLessThan(memoryLimit);
});
