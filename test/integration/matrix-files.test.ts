import { afterAll, beforeAll, expect, test } from 'vitest';
import { Homeserver } from '../../services/enrol/src/homeserver.ts';
import { quietFiles } from '../../services/enrol/src/quiet-files.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import { until } from '../support/listener-wait.ts';
import type { RoomEvent } from '../support/phone.ts';

/** What would be markup, a script, another file and a command of the terminal, if somebody took it for that. */
const hostile =
  '<!doctype html><script>alert(1)</script>\n%PDF-1.7\nGIF89a\n\x1b]0;x\x07\u202e\0\ndiff --git a/x b/x\n+one\n';

let stage: ListenerStage;

beforeAll(async () => {
  stage = await ListenerStage.begin('files');
});
afterAll(() => stage[Symbol.asyncDispose]());

function file(name: string): Promise<RoomEvent> {
  return until(
    `${name} is in the room`,
    async () => (await stage.phone.files()).find(({ content }) => content['body'] === name) ?? null,
    { instead: () => Promise.resolve(stage.home.listener.printed.slice(-6_000)) },
  );
}

test('S085 a result’s patch is a file of text in its thread, byte for byte, for whoever is in the room', async () => {
  const { result } = await stage.runner.finishes('patched', { patches: { demo: hostile } });
  const message = await stage.phone.receives(['patched', result.digest.slice(0, 8)]);
  const { content, sender } = await file('patched-demo.patch');
  expect(sender).toBe(stage.bot.user);
  expect(content).toMatchObject({
    msgtype: 'm.file',
    filename: 'patched-demo.patch',
    info: { mimetype: 'text/plain', size: Buffer.byteLength(hostile) },
    'm.mentions': {},
    'm.relates_to': { rel_type: 'm.thread', event_id: message.event_id },
  });
  const answer = await stage.phone.download(content['url']);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(answer.headers.get('content-disposition')).toContain('patched-demo.patch');
  expect(answer.headers.get('content-security-policy')).toContain('sandbox');
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(hostile));
  expect((await stage.phone.download(content['url'], null)).status).toBe(401);
});

test('a file rings no phone by the rule that enrol sets, and setting it again changes nothing', async () => {
  const { phone, synapse } = stage;
  const homeserver = new Homeserver(synapse.url);
  const set = () => quietFiles(homeserver, phone.session.token, phone.room, () => undefined);
  expect([await set(), await set()]).toEqual([true, true]);
  await phone.readsAll();
  expect(await phone.notifications()).toBe(0);
  const plan = 'One more line of the plan.\n'.repeat(2_000);
  await stage.asksFor('planned', {}, plan);
  const { content } = await file('planned-plan.md');
  expect(await (await phone.download(content['url'])).text()).toBe(plan);
  // The message that it belongs to has rung, once.
  expect(await phone.notifications()).toBe(1);
});

test('a listener that is killed while it posts files posts each of them once', async () => {
  const patches = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`r${at}`, `+${at}\n`.repeat(50_000)]));
  await stage.runner.finishes('many', { patches });
  await file('many-r1.patch');
  await stage.home.listener.kill();
  await stage.startListener();
  await file('many-r7.patch');
  const names = (await stage.phone.files()).map(({ content }) => String(content['body']));
  const mine = names.filter((name) => name.startsWith('many-'));
  expect(mine.toSorted()).toEqual(Object.keys(patches).map((name) => `many-${name}.patch`));
});
