import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandAnswer, Services } from '@countersign/contracts/page-api.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { since } from '../testing/records.ts';

test('what the runner said of a command is told, and what anybody could have brought about is not', async () => {
  const ground = new DashboardGround();
  const say = (event: 'command_accepted' | 'command_refused', command: string, kind?: string) =>
    ground.append(null, {
      event,
      summary: `said of ${command}`,
      data: { command, ...(kind === undefined ? {} : { kind }) },
    });
  await say('command_accepted', 'accepted-0123456789', 'approve');
  await say('command_refused', 'refused-0123456789', 'merge');
  await say('command_refused', 'unsigned-0123456789');
  const { queries } = await ground.open();
  const verdict = async (id: string) => CommandAnswer.parse(await queries.commandVerdict(id)).verdict;
  expect(await verdict('accepted-0123456789')).toBe('accepted');
  expect(await verdict('refused-0123456789')).toBe('refused');
  expect(await verdict('unsigned-0123456789')).toBe('waiting');
  expect(await verdict('later-0123456789ab')).toBe('waiting');
  await say('command_accepted', 'later-0123456789ab', 'retry');
  await until(
    () => verdict('later-0123456789ab'),
    (said) => said === 'accepted',
  );
  expect((await queries.commandVerdict('later-0123456789ab')).message).toBe('said of later-0123456789ab');
});

test('services tell how they are; an old word is silence', async () => {
  const ground = new DashboardGround();
  const says = (service: string, status: string, ts: string) => {
    mkdirSync(join(ground.volumes, 'logs', service), { recursive: true });
    writeFileSync(
      join(ground.volumes, 'logs', service, 'health.json'),
      JSON.stringify({ service, status, reason: 'r', ts, started_at: ts }),
    );
  };
  says('runner', 'ok', new Date().toISOString());
  says('gateway', 'failing', new Date().toISOString());
  says('matrix-listener', 'ok', since);
  const { queries } = await ground.open();
  const { services } = Services.parse(await queries.services());
  expect(services.map(({ name, status, controllable }) => [name, status, controllable])).toEqual([
    ['gateway', 'failing', false],
    ['matrix-listener', 'silent', true],
    ['runner', 'ok', true],
  ]);
});

test('A30 A32 what the listener says of its token or its room reaches a page that is open within seconds, and goes again', async () => {
  const ground = new DashboardGround();
  const logs = join(ground.volumes, 'logs/matrix-listener');
  mkdirSync(logs, { recursive: true });
  const health = new HealthFile(logs, 'matrix-listener');
  const access = '2026-11-20T10:00:00.000Z';
  await health.beat('ok', '', access);
  const { queries } = await ground.open();
  const listener = async () => {
    const { services } = Services.parse(await queries.services());
    const { status, reason } = services.find(({ name }) => name === 'matrix-listener') ?? {};
    const { troubles } = await queries.now();
    return [status, reason, troubles.map(({ name }) => name)];
  };
  await expect.poll(listener).toEqual(['ok', '', expect.not.arrayContaining(['matrix-listener'])]);
  for (const [status, reason] of [
    ['failing', "the homeserver does not take the bot's token"],
    ['failing', '@agentbot:x is no longer in the room !r:x'],
    ['waiting', 'the homeserver answered 429 and asks to wait 7 s'],
  ] as const) {
    await health.beat(status, reason, access);
    await expect
      .poll(listener, { timeout: 5_000 })
      .toEqual([status, reason, expect.arrayContaining(['matrix-listener'])]);
  }
  await health.beat('ok', '', access);
  await expect.poll(listener, { timeout: 5_000 }).toEqual(['ok', '', expect.not.arrayContaining(['matrix-listener'])]);
}, 30_000);
