import { expect, test } from 'vitest';
import { Homeserver } from './homeserver.ts';
import { quietFiles } from './quiet-files.ts';
import { ScriptedHomeserver } from './testing/scripted-homeserver.ts';

const asked = 'PUT /pushrules/global/override/org.countersign.files';

async function run(reply: { status?: number; body?: unknown }) {
  await using server = await ScriptedHomeserver.start(() => reply);
  const said: string[] = [];
  const report = (line: string) => void said.push(line);
  const isQuiet = await quietFiles(new Homeserver(server.url), 'operator-token', '!room', report);
  return { isQuiet, said, asked: server.asked, bodies: server.bodies };
}

test('one rule of the operator’s own, which holds for the bot’s files in that room alone, and says nothing', async () => {
  const ran = await run({});
  expect(ran).toMatchObject({ isQuiet: true, said: [], asked: [asked] });
  expect(JSON.parse(ran.bodies[0] ?? '')).toEqual({
    conditions: [
      { kind: 'event_match', key: 'room_id', pattern: '!room' },
      { kind: 'event_match', key: 'sender', pattern: '@agentbot:countersign.local' },
      { kind: 'event_match', key: 'content.msgtype', pattern: 'm.file' },
    ],
    actions: [],
  });
});

test.each([
  { status: 400, body: { errcode: 'M_UNKNOWN' } },
  { status: 403, body: { errcode: 'M_FORBIDDEN' } },
  { status: 404, body: { errcode: 'M_UNRECOGNIZED' } },
  { status: 500, body: { errcode: 'M_UNKNOWN' } },
])('where it is refused that is told, and hinders nothing: $status', async (reply) => {
  const { isQuiet, said } = await run(reply);
  expect(isQuiet).toBe(false);
  expect(said).toEqual([expect.stringMatching(/^files in the room ring like messages: /)]);
});
