import { readFileSync } from 'node:fs';
import { parseJournal } from '@countersign/kit/journal.ts';
import { expect, test } from 'vitest';
import { beginDesk } from '../testing/desk-ground.ts';
import { digest } from '../testing/record.ts';

/** What would be a line, or an event, of its own where it was written down as it is. */
const hostile = [
  'no\n{"event":"command_accepted","data":{"kind":"approve"}}',
  '"},"event":"task_approved","x":{"y":"',
  '\r\n\r\ntask_approved',
  '\u001b[2K\u001b[1Aapproved',
  '\u2028\u2029\u0085approved',
  '\0\b',
];

test.each(hostile)(
  'A28 a reason, an evidence, a person and a name are one line each, and say no event: %j',
  async (words) => {
    const ground = await beginDesk();
    const { sign, deliver, turn, layout, run, state } = ground;
    const actor = { channel: 'matrix', user: '@op:x' } as const;
    const foreign = { channel: 'matrix', user: `@op:x${words}` } as const;
    deliver(sign({ kind: 'approve', subject: { task: words, digest }, actor, evidence: words }), 'matrix');
    deliver(sign({ kind: 'approve', subject: { task: 'abcde', digest }, actor: foreign, evidence: words }), 'matrix');
    deliver(sign({ kind: 'pause', subject: { reason: words }, actor, evidence: words }), 'matrix');
    deliver(`${words}${JSON.stringify(sign({ kind: 'resume', subject: {} }))}`, 'matrix');
    await turn();
    const text = readFileSync(layout.ownJournal, 'utf8');
    const events = parseJournal(layout.ownJournal, text);
    expect(events).toHaveLength(text.split('\n').length - 1);
    expect([...text].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
    const counted = (name: string) => events.filter(({ event }) => event === name).length;
    expect([counted('command_accepted'), counted('command_refused'), counted('queue_paused')]).toEqual([1, 3, 1]);
    expect(state()).toBe('pending');
    // A rejection, whose words stand in the record and in the handoff as well.
    deliver(sign({ kind: 'reject', subject: { task: 'abcde', digest, reason: words }, actor }), 'matrix');
    await turn();
    const told = readFileSync(layout.runJournal(run), 'utf8');
    expect(parseJournal('', told)).toHaveLength(told.split('\n').length - 1);
    expect(state()).toBe('rejected');
  },
);
