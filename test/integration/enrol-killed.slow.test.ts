import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cut } from '../support/cut-relay.ts';
import { EnrolGround } from '../support/enrol-ground.ts';

let ground: EnrolGround;
/** What one run asks for, in order. */
let requests: readonly string[];

beforeAll(async () => {
  ground = await EnrolGround.start('enrol-killed');
  requests = (await ground.mustRun()).requests;
});
afterAll(() => ground[Symbol.asyncDispose]());

async function killedAt(at: number, side: Cut['side']): Promise<void> {
  await ground.reset();
  const killed = Promise.withResolvers<void>();
  ground.relay.restart({ at, side, act: () => killed.promise });
  const run = ground.start();
  await expect.poll(() => ground.relay.seen.length, { timeout: 20_000, interval: 10 }).toBe(at);
  // Long enough for Synapse to have done what it was asked: the relay holds its answer back.
  if (side === 'after') await expect.poll(() => ground.relay.isHolding, { timeout: 20_000, interval: 10 }).toBe(true);
  run.kill('SIGKILL');
  expect((await run).signal).toBe('SIGKILL');
  killed.resolve();
}

test('killed at any one of its requests, the next run makes one whole', async () => {
  expect(requests.length).toBeGreaterThan(10);
  for (const [index, request] of requests.entries()) {
    // Whether a question that changes nothing was answered makes no difference.
    for (const side of request.startsWith('GET ') ? (['before'] as const) : (['before', 'after'] as const)) {
      await killedAt(index + 1, side);
      const { output } = await ground.mustRun();
      const room = await ground.stands().catch((cause: unknown) => {
        throw new Error(`killed ${side} ${index + 1} (${request}): ${output}`, { cause });
      });
      // One room: what the first run made is what the second one found.
      const { joined_rooms } = await ground.synapse.api('GET', '/joined_rooms', (await ground.client()).token);
      expect(joined_rooms, `killed ${side} ${request}`).toEqual([room]);
    }
  }
}, 280_000);
