import { readdir } from 'node:fs/promises';
import { serviceTroubles } from '@countersign/cli/src/service-troubles.ts';
import { serviceRows } from '@countersign/dashboard/src/rows/service-rows.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CutRelay } from '../support/cut-relay.ts';
import { BusyOperator } from '../support/listener-operator.ts';
import type { Asked } from '../support/listener-runner.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import { until } from '../support/listener-wait.ts';
import { Wire } from '../support/listener-wire.ts';
import { TokenRotation } from '../support/token-rotation.ts';

const password = 'agentbot-password';
const settledLimitMs = 60_000;
const alarmLimitMs = 60_000;
/** Synapse limits logins, as it does in the stack; here there are more of them than anybody makes. */
const settings = Object.fromEntries(
  ['address', 'account', 'failed_attempts'].map((of) => [of, { per_second: 1_000, burst_count: 1_000 }]),
);

let stage: ListenerStage;
let wire: Wire;
let rotation: TokenRotation;

beforeAll(async () => {
  stage = await ListenerStage.begin('bot-token', {
    settings: { rc_login: settings },
    through: async (synapse) => {
      wire = await Wire.to(synapse.url);
      return wire.url;
    },
  });
  rotation = await TokenRotation.over(stage, password);
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  await wire[Symbol.asyncDispose]();
});

/** Only the lock is left of a rotation that came to its end. */
async function isTidy(): Promise<void> {
  const left = await readdir(stage.home.path('secrets-enrol'));
  expect(left.filter((name) => name !== 'rotation.lock').sort()).toEqual(['bot.password']);
}

describe('rotate-bot-token while the listener runs', () => {
  test('A30 the listener uses another token, and the one before is worth nothing', async () => {
    const before = await rotation.token();
    expect(await rotation.mustRun()).toMatchObject({ bot: stage.bot.user, listener: 'uses-it' });
    expect(await rotation.token()).not.toBe(before);
    expect(await rotation.counts(before)).toBe(false);
    expect(await rotation.sessions()).toBe(1);
    await stage.home.listener.says('ok');
    await isTidy();
  });

  test('A30 five times while tasks are asked for and decided: each of it is there once, and no old token counts', async () => {
    const old: string[] = [];
    const asked: Asked[] = [];
    {
      await using operator = new BusyOperator(stage);
      for (let round = 0; round < 5; round += 1) {
        for (const half of ['a', 'b']) asked.push(await stage.runner.ask(`rotated-${round}-${half}`));
        old.push(await rotation.token());
        expect((await rotation.mustRun()).listener).toBe('uses-it');
      }
      await operator.hasDone(
        asked.map(({ record }) => record.id),
        settledLimitMs,
      );
      await until('nothing is left to post', async () => (await stage.home.kept())?.outgoing.length === 0);
      const verdicts = await stage.verdicts();
      for (const { evidence, answered } of operator.decided)
        expect(verdicts.filter((found) => [evidence, answered].includes(found))).toHaveLength(1);
    }
    for (const one of asked) expect([one.record.id, await stage.countRequests(one)]).toEqual([one.record.id, 1]);
    for (const token of old) expect(await rotation.counts(token)).toBe(false);
    expect(await rotation.sessions()).toBe(1);
  });

  test.each(['asked', 'answered'] as const)(
    'A30 a message whose sending was cut off when it was %s is there once, though a device of another name sends it again',
    async (moment) => {
      const cut = wire.cut(moment, '/send/', async () => {
        expect((await rotation.mustRun()).listener).toBe('uses-it');
      });
      const asked = await stage.runner.ask(`cut-${moment}`);
      await cut;
      await stage.phone.receives([`cut-${moment}.md`]);
      await until('nothing is left to post', async () => (await stage.home.kept())?.outgoing.length === 0);
      expect(await stage.countRequests(asked)).toBe(1);
    },
  );

  test('A30 at a homeserver of the operator’s: the token of a login by hand, through the gateway’s door alone', async () => {
    const before = await rotation.token();
    const { token } = await stage.synapse.login('agentbot', password);
    const nowhere = { ROTATE_HOMESERVER: 'http://127.0.0.1:9' };
    const { exitCode, stderr } = await rotation.run(['--given'], `${token}\n`, nowhere);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(await rotation.token()).toBe(token);
    expect(await rotation.counts(before)).toBe(false);
    const again = await rotation.run(['--given'], `${token}\n`, nowhere);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('log the bot in once more, as another device');
    const { token: foreign } = await stage.synapse.login('operator', 'operator-password');
    expect((await rotation.run(['--given'], foreign, nowhere)).stderr).toContain(
      `a token of ${stage.phone.session.user}`,
    );
    expect(await rotation.counts(token)).toBe(true);
    await isTidy();
  });
});

describe('what only a person can mend is said by the shell’s status and by the dashboard within a minute', () => {
  beforeEach(() => stage.home.listener.says('ok'));

  async function isSaidEverywhere(words: readonly string[]): Promise<number> {
    const began = performance.now();
    const has = (text: string) => words.every((word) => text.includes(word));
    await until(
      'status and dashboard say it',
      async () => {
        const lines = await serviceTroubles(stage.home.folder);
        const rows = await serviceRows(stage.home.folder);
        const row = rows.find(({ name }) => name === 'listener');
        return has(lines.join('\n')) && row?.status === 'failing' && has(row.reason);
      },
      { timeoutMs: alarmLimitMs },
    );
    return performance.now() - began;
  }

  test('A30 A32 a token that was revoked, until a rotation has replaced it', async () => {
    const before = await rotation.token();
    await stage.synapse.api('POST', '/logout', before, {});
    expect(await isSaidEverywhere(['does not take the bot', 'scripts/countersign rotate-bot-token'])).toBeLessThan(
      alarmLimitMs,
    );
    const asked = await stage.runner.ask('while-revoked');
    expect((await rotation.mustRun()).listener).toBe('uses-it');
    await stage.home.listener.says('ok');
    await stage.phone.receives(['while-revoked.md']);
    expect(await stage.countRequests(asked)).toBe(1);
    expect((await serviceTroubles(stage.home.folder)).join('\n')).not.toContain('rotate-bot-token');
  });

  test('A32 a room that the bot was put out of, also of a listener that then gets another token', async () => {
    const path = `/rooms/${encodeURIComponent(stage.phone.room)}`;
    const body = { user_id: stage.bot.user };
    await stage.synapse.api('POST', `${path}/kick`, stage.phone.session.token, body);
    expect(await isSaidEverywhere([stage.bot.user, stage.phone.room, 'invite it'])).toBeLessThan(alarmLimitMs);
    // It gets in at the homeserver, if not into the room.
    expect((await rotation.mustRun()).listener).toBe('uses-it');
    await stage.synapse.api('POST', `${path}/invite`, stage.phone.session.token, body);
    await stage.home.listener.says('ok');
  });
});

test('A30 killed at any one of its requests, it leaves a token that counts, and the next run the only one', async () => {
  const relay = await CutRelay.start(stage.synapse.url);
  const way = { ROTATE_HOMESERVER: relay.url };
  // A session that nobody knows of, so that there is one to be ended by its device.
  const stray = () => stage.synapse.login('agentbot', password);
  await stray();
  relay.restart();
  expect((await rotation.run(['--now'], '', way)).exitCode).toBe(0);
  const requests = [...relay.seen];
  expect(requests.at(-1)).toContain('/delete_devices');
  for (const [index, request] of requests.entries()) {
    for (const side of request.startsWith('GET ') ? (['before'] as const) : (['before', 'after'] as const)) {
      await stray();
      const killed = Promise.withResolvers<void>();
      relay.restart({ at: index + 1, side, act: () => killed.promise });
      const run = rotation.start(['--now'], '', way);
      await expect.poll(() => relay.seen.length, { timeout: 20_000, interval: 10 }).toBe(index + 1);
      if (side === 'after') await expect.poll(() => relay.isHolding, { timeout: 20_000, interval: 10 }).toBe(true);
      run.kill('SIGKILL');
      expect((await run).signal).toBe('SIGKILL');
      killed.resolve();
      const left = await rotation.token();
      expect([side, request, await rotation.counts(left)]).toEqual([side, request, true]);
      await rotation.mustRun();
      expect([side, request, await rotation.sessions(), await rotation.counts(left)]).toEqual([
        side,
        request,
        1,
        false,
      ]);
      await isTidy();
    }
  }
  await stage.home.listener.says('ok');
  await relay[Symbol.asyncDispose]();
}, 280_000);

test('A30 no token is printed, logged or told', async () => {
  const said = (await stage.home.said()) + rotation.printed;
  expect(said).not.toMatch(/syt_/);
  expect(said).not.toContain(password);
});
