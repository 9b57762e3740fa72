import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { messageKey } from '../state/key.ts';
import { StateFile } from '../state/state-file.ts';
import { bot, room, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { remindOfLateVerdicts } from './late-verdicts.ts';

const at = new Date(saidAt).toISOString();
const late = saidAt + listenerLimits.verdictPatienceMs + 1;

async function begin() {
  const folder = scratchFolder();
  const state = await StateFile.open(folder, room, bot);
  await state.update((next) => {
    next.issued.push(
      { command: 'waits', answerTo: '$a', at, stands: 'waiting', owesSign: false },
      { command: 'told', answerTo: '$b', at, stands: 'late', owesSign: false },
      { command: 'done', answerTo: '$c', at, stands: 'answered', owesSign: false },
      { command: 'new', answerTo: '$d', at: new Date(late).toISOString(), stands: 'waiting', owesSign: false },
    );
  });
  return state;
}

test('nobody is told before a verdict is late', async () => {
  const state = await begin();
  const before = state.now;
  await remindOfLateVerdicts(state, late - 1);
  expect(state.now).toBe(before);
});

test('of each late verdict the room is told once', async () => {
  const state = await begin();
  await remindOfLateVerdicts(state, late);
  await remindOfLateVerdicts(state, late + 1);
  expect(state.now.outgoing).toMatchObject([
    {
      key: messageKey('late', 'waits'),
      content: { body: expect.stringMatching(/^Kept: /), 'm.relates_to': { 'm.in_reply_to': { event_id: '$a' } } },
      request: null,
    },
  ]);
  expect(state.now.issued.map(({ stands }) => stands)).toEqual(['late', 'late', 'answered', 'waiting']);
});
