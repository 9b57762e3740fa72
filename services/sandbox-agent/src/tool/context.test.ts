import { expect, it } from 'vitest';
import { answerReserve, conversationTokens, fitConversation, resultBytes } from './context.ts';
import type { Message } from './message.ts';

const opening: Message[] = [
  { role: 'system', content: 'system' },
  { role: 'user', content: 'objective '.repeat(100) },
];
function exchange(index: number): Message[] {
  const long = String(index).repeat(3_000);
  return [
    {
      role: 'assistant',
      content: '',
      calls: [{ name: 'write_file', arguments: { path: `f${index}`, content: long } }],
    },
    { role: 'tool', tool: 'write_file', content: long },
  ];
}
const conversation = [...opening, ...exchange(1), ...exchange(2), ...exchange(3)];

it('leaves a conversation alone that fits', () => {
  expect(fitConversation(conversation, [], 10_000)).toEqual(conversation);
});

it('shortens the oldest parts first, and only as many as it must', () => {
  const fitted = fitConversation(conversation, [], 5_500) ?? [];
  expect(conversationTokens(fitted, [])).toBeLessThanOrEqual(5_500);
  expect(fitted.slice(0, 2)).toEqual(opening);
  expect(fitted.slice(-2)).toEqual(conversation.slice(-2));
  expect(fitted[2]).toMatchObject({
    role: 'assistant',
    calls: [{ name: 'write_file', arguments: { path: 'f1', content: expect.stringContaining('3000 bytes left out') } }],
  });
  expect(fitted[4]).toEqual(conversation[4]);
});

it('gives up when the opening and the latest exchange alone are too much', () => {
  expect(fitConversation(conversation, [], 2_000)).toBeUndefined();
});

it('keeps room for an answer, and results small, in a small context', () => {
  expect([answerReserve(4_096), answerReserve(32_768)]).toEqual([1_024, 4_096]);
  expect([resultBytes(4_096), resultBytes(1_000_000)]).toEqual([3_072, 32_768]);
});
