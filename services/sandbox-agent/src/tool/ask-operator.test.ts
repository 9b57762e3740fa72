import { afterEach, expect, test, vi } from 'vitest';
import { answered, RoomDouble, sent } from '../testing/room-double.ts';
import { executeCall } from './execute-call.ts';
import { toolNames } from './tool-set.ts';

afterEach(() => vi.unstubAllEnvs());

async function ask(given: object, ...answers: Parameters<typeof RoomDouble.listen>[0]) {
  const room = await RoomDouble.listen(answers);
  vi.stubEnv('COUNTERSIGN_ROOM', room.origin);
  const place = { workspace: '/tmp', resultBytes: 1_000 };
  const call = { name: 'ask_operator', arguments: given };
  return { room, executed: await executeCall(call, 'run', place, new AbortController().signal) };
}

test('a model asks, and gets the answer as a result', async () => {
  const given = { question: 'Which port?', options: ['8080', '9090'], default: '9090', minutes: '5' };
  const { room, executed } = await ask(given, sent, answered('answered', '8080'));
  expect(executed).toEqual({
    kind: 'result',
    label: 'ask_operator Which port?',
    result: { ok: true, text: 'the operator answers: 8080' },
  });
  expect(room.seen[0]?.body).toMatchObject({
    body: 'Which port?',
    'org.countersign.question': { options: ['8080', '9090'], default: '9090', deadline_sec: 300 },
  });
});

test.each([
  [answered('default', '9090'), { ok: true, text: 'nobody answered in time; your default counts: 9090' }],
  [answered('stopped'), { ok: false, text: 'error: nobody answered in time; the work is being ended' }],
])('silence is told as silence', async (answer, result) => {
  expect((await ask({ question: 'Which port?' }, sent, answer)).executed).toMatchObject({ result });
});

test('a refusal goes back to the model', async () => {
  const refusal = { status: 400, body: { errcode: 'M_BAD_JSON', error: 'the default is none of the options' } };
  expect((await ask({ question: 'Which port?', default: 'x', options: ['a'] }, refusal)).executed).toMatchObject({
    result: { ok: false, text: expect.stringContaining('the default is none of the options') },
  });
});

test('a planner asks nobody', () => {
  expect(toolNames('run')).toContain('ask_operator');
  expect(toolNames('plan')).not.toContain('ask_operator');
});
