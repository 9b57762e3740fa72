import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Synapse } from '../support/synapse.ts';

const message = 'approve the unspeakable';

/** What a push gateway of that form is told of one message in a room called `Secret plans`. */
async function heardOf(data: object): Promise<{ heard: string; event: string; room: string }> {
  const heard: string[] = [];
  const gateway = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push(Buffer.concat(chunks).toString('utf8'));
      response.end('{"rejected":[]}');
    });
  }).listen(0);
  await once(gateway, 'listening');
  const { port } = gateway.address() as AddressInfo;
  // Synapse calls no address of this host or its networks; the push gateway of this test is one.
  await using synapse = await Synapse.start('push', { settings: { ip_range_whitelist: ['0.0.0.0/0'] } });
  try {
    const operator = await synapse.registerUser('operator');
    const bot = await synapse.registerUser('agentbot');
    const room = await synapse.makeRoom(operator, [bot], { name: 'Secret plans' });
    await synapse.api('POST', '/pushers/set', operator.token, {
      kind: 'http',
      app_id: 'test',
      pushkey: 'phone',
      app_display_name: 'Test',
      device_display_name: 'Phone',
      lang: 'en',
      data: { ...data, url: `http://host.docker.internal:${port}/_matrix/push/v1/notify` },
    });
    const event = await synapse.say(bot.token, room, message);
    await expect.poll(() => heard.join(), { timeout: 30_000 }).toContain(event);
    return { heard: heard.join(), event, room };
  } finally {
    gateway.close();
  }
}

test('whoever wakes the phone for Element, which asks for event ids only, gets these and nothing else', async () => {
  const { heard, event, room } = await heardOf({ format: 'event_id_only' });
  expect(JSON.parse(heard)).toMatchObject({ notification: { event_id: event, room_id: room } });
  expect(heard).not.toMatch(/unspeakable|Secret plans|agentbot|operator/);
});

test('for a client that asks for more, it still gets no word of what was written', async () => {
  const { heard } = await heardOf({});
  expect(heard).toContain('Secret plans');
  expect(heard).not.toContain('unspeakable');
});
