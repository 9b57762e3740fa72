import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { reaction, redaction, said } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });

test('A09 A22 a state that was put back from a backup makes the same commands of the same words', async () => {
  const first = await startListening([gate]);
  const backup = scratchFolder();
  cpSync(first.folder, backup, { recursive: true });
  const words = [
    said('a', 'approve gated'),
    reaction('b', '❌', 'gate'),
    said('c', 'cancel gated'),
    said('d', 'pause'),
  ];
  await first.hear(...words);
  const second = await startListening([], backup);
  await second.hear(...words);
  const ids = (listening: typeof first) => listening.commands().map(({ id, kind, evidence }) => [id, kind, evidence]);
  expect(ids(second)).toEqual(ids(first));
  expect(new Set(ids(first).map(([id]) => id)).size).toBe(4);
});

test('A09 what was taken back after the backup is none after it either', async () => {
  const first = await startListening([gate]);
  const backup = scratchFolder();
  cpSync(first.folder, backup, { recursive: true });
  await first.hear(said('a', 'approve gated'));
  await first.hear(redaction('r', 'a'));
  const second = await startListening([], backup);
  // The homeserver hands it out without its content, and says why.
  await second.hear(said('a', '', { content: {}, unsigned: { redacted_because: redaction('r', 'a') } }));
  expect(second.commands()).toEqual([]);
});
