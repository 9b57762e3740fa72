import { expect, test } from 'vitest';
import { editedBy, readRelation } from './relation.ts';

const replyTo = (event: unknown) => ({ 'm.in_reply_to': { event_id: event } });

test.each([
  ['nothing', {}, { kind: 'none' }],
  ['null', { 'm.relates_to': null }, { kind: 'none' }],
  ['an empty relation', { 'm.relates_to': {} }, { kind: 'none' }],
  ['a reply', { 'm.relates_to': replyTo('$a') }, { kind: 'answer', about: ['$a'], isReply: true, thread: null }],
  [
    'A14 a message in a thread',
    { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root' } },
    { kind: 'answer', about: ['$root'], isReply: false, thread: '$root' },
  ],
  [
    'A14 a message in a thread for a client that knows no threads',
    { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root', is_falling_back: true, ...replyTo('$last') } },
    { kind: 'answer', about: ['$root'], isReply: true, thread: '$root' },
  ],
  [
    'A14 a reply in a thread',
    { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root', is_falling_back: false, ...replyTo('$other') } },
    { kind: 'answer', about: ['$root', '$other'], isReply: true, thread: null },
  ],
  [
    'A14 a reply in a thread that does not say which it is',
    { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root', ...replyTo('$other') } },
    { kind: 'answer', about: ['$root', '$other'], isReply: true, thread: null },
  ],
  [
    'a reaction',
    { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '✅' } },
    { kind: 'reaction', event: '$a', key: '✅' },
  ],
  ['A10 an edit', { 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' } }, { kind: 'edit' }],
  ['A10 an edit of nothing', { 'm.relates_to': { rel_type: 'm.replace' } }, { kind: 'edit' }],
  ['A10 new content without a relation', { 'm.new_content': {} }, { kind: 'edit' }],
  ['A10 new content in a reply', { 'm.new_content': null, 'm.relates_to': replyTo('$a') }, { kind: 'edit' }],
  [
    'A10 an edit that is a reply as well',
    { 'm.relates_to': { rel_type: 'm.replace', event_id: '$a', ...replyTo('$b') } },
    { kind: 'edit' },
  ],
])('%s', (_, content, relation) => {
  expect(readRelation(content)).toEqual(relation);
});

test.each([
  ['a text', 'm.in_reply_to'],
  ['a list', []],
  ['a number', 1],
  ['a thread without a root', { rel_type: 'm.thread' }],
  ['a reaction to nothing', { rel_type: 'm.annotation', key: '✅' }],
  ['a reaction without a sign', { rel_type: 'm.annotation', event_id: '$a' }],
  ['a sign without an end', { rel_type: 'm.annotation', event_id: '$a', key: '✅'.repeat(65) }],
  ['an unknown relation', { rel_type: 'm.reference', event_id: '$a' }],
  ['a relation in capitals', { rel_type: 'M.REPLACE', event_id: '$a' }],
  ['an empty relation type', { rel_type: '', ...replyTo('$a') }],
  ['a relation type that is a list', { rel_type: ['m.thread'], event_id: '$a' }],
  ['a reply to no event id', replyTo('a')],
  ['a reply to a list', replyTo(['$a'])],
  ['a reply to nothing', { 'm.in_reply_to': null }],
  ['an event id with a line break', { rel_type: 'm.thread', event_id: '$a\n$b' }],
  ['an event id without an end', { rel_type: 'm.thread', event_id: `$${'a'.repeat(255)}` }],
])('A21 %s is no relation that counts', (_, relation) => {
  expect(readRelation({ 'm.relates_to': relation })).toEqual({ kind: 'unusable' });
});

test('A10 an edit names the event that it is to replace', () => {
  expect(editedBy({ 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' } })).toBe('$a');
  expect(editedBy({ 'm.relates_to': { rel_type: 'm.replace' } })).toBeNull();
  expect(editedBy({ 'm.relates_to': { rel_type: 'm.thread', event_id: '$a' } })).toBeNull();
  expect(editedBy({ 'm.relates_to': 'm.replace' })).toBeNull();
  expect(editedBy({ 'm.new_content': {} })).toBeNull();
  expect(editedBy({})).toBeNull();
});
