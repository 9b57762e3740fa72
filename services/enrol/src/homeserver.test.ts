import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Homeserver } from './homeserver.ts';
import { ScriptedHomeserver } from './testing/scripted-homeserver.ts';

const question = { method: 'GET', path: '/x', token: 'syt_secret', answer: z.object({ ok: z.boolean() }) } as const;

const raw =
  (text: string, headers: Record<string, string> = {}, status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(text);

test('what it was asked for comes back parsed, and a refusal as one', async () => {
  await using server = await ScriptedHomeserver.start((line) =>
    line === 'GET /x' ? { body: { ok: true, more: 1 } } : { status: 403, body: { errcode: 'M_FORBIDDEN' } },
  );
  const homeserver = new Homeserver(server.url);
  expect(await homeserver.call(question)).toEqual({ status: 'ok', value: { ok: true } });
  expect(await homeserver.call({ ...question, path: '/y' })).toEqual({
    status: 'refused',
    code: 403,
    errcode: 'M_FORBIDDEN',
  });
  await expect(homeserver.must({ ...question, path: '/y' })).rejects.toThrow('Synapse refused GET /y: 403 M_FORBIDDEN');
});

test('it is patient when asked to be, once more and not for long', async () => {
  let refusals = 1;
  await using server = await ScriptedHomeserver.start((line) => {
    if (line === 'GET /late') return { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 333_000 } };
    return refusals-- > 0
      ? { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 10 } }
      : { body: { ok: true } };
  });
  const homeserver = new Homeserver(server.url);
  expect(await homeserver.call(question)).toMatchObject({ status: 'ok' });
  expect(server.asked).toHaveLength(2);
  await expect(homeserver.call({ ...question, path: '/late' })).rejects.toThrow('for 333 s: run scripts/up again then');
});

describe('A21 what is no homeserver is told, without what it said', () => {
  test.each([
    ['words', raw('<html>Hello</html>'), 'is no homeserver'],
    ['another shape', raw('{"ok":"yes"}'), 'is no homeserver'],
    ['a refusal without a code', raw('{}', {}, 404), 'is no homeserver'],
    ['a redirect', raw('', { location: 'http://127.0.0.1:1/' }, 302), 'does not answer'],
    ['a failure', raw('oops', {}, 502), 'Synapse failed at GET /x: 502'],
    ['more than anybody reads', raw(`{"ok":true,"x":"${'x'.repeat(2 ** 21)}"}`), 'more than 1048576 bytes'],
    ['a connection that ends', (response: ServerResponse) => void response.destroy(), 'does not answer'],
  ])('%s', async (_what, reply, words) => {
    await using server = await ScriptedHomeserver.start(() => reply);
    const failure = await new Homeserver(server.url).call(question).then(String, (error: Error) => error.message);
    expect(failure).toContain(words);
    expect(failure).not.toMatch(/Hello|syt_secret/);
  });
});
