#!/usr/bin/env node
import { askPerson } from './ask-person.ts';
import { questionWaits, roomOrigin } from './limits.ts';
import { readArguments, usage } from './read-arguments.ts';

const exitCodes = { answered: 0, 'not-asked': 1, usage: 2, unanswered: 3 } as const;

const words = process.argv.slice(2);
if (words.includes('--help')) {
  process.stdout.write(usage);
  process.exit(0);
}
const read = readArguments(words);
if (!read.ok) {
  process.stderr.write(`countersign-ask: ${read.reason}\n${usage}`);
  process.exit(exitCodes.usage);
}
const asked = await askPerson(read.asking, {
  origin: process.env['COUNTERSIGN_ROOM'] ?? roomOrigin,
  waits: questionWaits,
  signal: new AbortController().signal,
});
if (read.json) process.stdout.write(`${JSON.stringify(asked)}\n`);
else if (asked.status === 'answered') process.stdout.write(`${asked.text}\n`);
else process.stderr.write(`countersign-ask: ${asked.status === 'not-asked' ? asked.reason : 'nobody answered'}\n`);
process.exit(exitCodes[asked.status]);
