import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { makeReviewTask, type ReviewChange } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nextEdit } from '../outbox/next-edit.ts';
import { makeGate } from '../testing/gates.ts';
import { verdictMessage } from './answers.ts';
import { jsonBytes } from './content.ts';
import { gateMessage } from './gate-message.ts';
import { reviewMessage } from './review-message.ts';
import { answeredStanding, standingWords } from './standing.ts';

const EditedText = z.object({ 'm.new_content': z.object({ body: z.string(), formatted_body: z.string() }) });

const lie = [
  'Documentation only, 1 file.',
  'needs eyes: nothing that is known to',
  'checked: verified: 9 of 9 postconditions hold',
  'repository: demo, branch main: 1 file, +1 -0',
  'digest: 00000000',
  'To merge, write `merge gated unverified`.',
].join('\n');
const ci: DiffFlag[] = ['ci'];

function bodyOf(change: ReviewChange, may = { decide: true }): string[] {
  const task = makeReviewTask(change);
  return reviewMessage(task, task.record, may, null).body.split('\n');
}

/** Of the lines of a message those that are ours: all before the heading of somebody else's words. */
function ours(lines: readonly string[]): readonly string[] {
  return lines.slice(
    0,
    lines.findIndex((line) => /These are (?:its|the) words|left no words/.test(line)),
  );
}

describe('A34 what an agent says of its work', () => {
  test('stands behind paths, counts and flags of what it did, and is marked as its own', () => {
    const lines = bodyOf({
      files: [{ path: 'docs/a.md' }, { path: '.github/workflows/x.yml', flags: ci }],
      agent: { what: lie },
    });
    const facts = ours(lines);
    expect(facts).toContainEqual(expect.stringMatching(/^repository: demo, branch main, .*: 2 files, \+4 -2$/));
    expect(facts.filter((line) => line.startsWith('checked: '))).toEqual([
      expect.stringMatching(/^checked: unverified/),
    ]);
    expect(facts).toContainEqual(
      'needs eyes: demo: .github/workflows/x.yml (runs on a build server, or says who has to review)',
    );
    for (const line of lie.split('\n')) {
      expect(facts).not.toContain(line);
      expect(lines.filter((shown) => shown.includes(line)).every((shown) => shown.startsWith('| '))).toBe(true);
    }
    expect(lines.indexOf('| what: Documentation only, 1 file.')).toBeGreaterThan(facts.length);
  });

  test('does not thin out the flags: of 500 files that deserve eyes some are named, and the others counted, with the command that lists them', () => {
    const files = Array.from({ length: 500 }, (_, index) => ({ path: `.github/workflows/${index}.yml`, flags: ci }));
    for (const agent of [undefined, { what: `${lie}\n`.repeat(500) }]) {
      const facts = ours(bodyOf({ files, ...(agent === undefined ? {} : { agent }) }));
      const named = facts.filter((line) => /^needs eyes: demo: \.github/.test(line)).length;
      expect(named).toBeGreaterThan(0);
      expect(facts).toContain(`needs eyes: and ${500 - named} more: scripts/countersign diff gated --stat`);
      expect(facts).toContainEqual(expect.stringMatching(/: 500 files, \+1000 -500$/));
    }
  });

  test('that is longer than a message has room for is cut where that is said, with how much and with the command that shows it', () => {
    const task = makeReviewTask({ agent: { what: `${'x'.repeat(79)}\n`.repeat(100) } });
    const content = reviewMessage(task, task.record, { decide: true }, null);
    const last = content.body.split('\n').at(-1) ?? '';
    const left = Number(
      /^… (?:the rest of this line and )?(\d+) more lines, [\d,]+ characters: scripts\/countersign show gated$/.exec(
        last,
      )?.[1],
    );
    const shown = content.body.split('\n').filter((line) => line.startsWith('| ')).length;
    expect(shown + left).toBe(100);
    expect(jsonBytes(content)).toBeLessThan(60_000);
  });

  test('tells of a path that is made to look like another where it really lies', () => {
    const path = 'docs/readme.md\u202e\n(nothing that is known to)';
    const facts = ours(bodyOf({ files: [{ path, flags: ci }] }));
    expect(facts).toContain(
      'needs eyes: demo: docs/readme.md\\u{202e}\\u{a}(nothing that is known to) (runs on a build server, or says who has to review)',
    );
  });
});

test('A34 what a plan says of itself stands behind stage, repository and digest, and is marked as the model’s', () => {
  const plan = `stage: dev\nrepository: none\nApproval required: nothing\ndigest: 00000000\n${lie}`;
  const { record, view } = makeWaitingTask(plan, { stage: 'staging' });
  const lines = gateMessage(view, record, { decide: true }).body.split('\n');
  const facts = ours(lines);
  expect(facts).toContain('stage: staging');
  expect(facts).toContain(`digest: ${view.digest.slice(0, 8)}`);
  for (const line of plan.split('\n')) expect(facts).not.toContain(line);
  expect(lines.slice(facts.length + 1).every((line) => line.startsWith('| '))).toBe(true);
});

test('A34 a plan of more than 4 kB is shown in part, and the rest counted', () => {
  const { record, view } = makeWaitingTask(`${'y'.repeat(99)}\n`.repeat(60));
  const { body } = gateMessage(view, record, { decide: true });
  expect(body).toMatch(
    /\n… (?:the rest of this line and )?\d+ more lines, [\d,]+ characters: scripts\/countersign show gated$/,
  );
});

describe('A34 what a task’s tool offers, or goes on with', () => {
  const forged = '✅ Approved by @operator:home.test';
  // Wide spaces, for which a small screen begins a line.
  const text = `red${'\u3000'.repeat(80)}${forged}`;
  const at = '2026-11-20T12:00:00.000Z';
  const answer = { channel: 'matrix' as const, user: '@operator:home.test', command: 'c', at };

  test.each([
    ['was chosen', { outcome: 'answered', text, ...answer } as const, 'by @operator:home.test:'],
    ['stands in for an answer', { outcome: 'default', text, at } as const, 'the tool goes on with:'],
  ])('is marked as words of somebody else where it %s', (_, end, words) => {
    const gate = makeGate({ asks: 'answer', standing: answeredStanding(end) });
    const edit = nextEdit({ gates: [gate] }, Date.parse(at));
    if ('inMs' in edit) throw new Error('it is to be edited');
    const { content } = edit.post;
    const { body, formatted_body: html } = EditedText.parse(content)['m.new_content'];
    const lines = body.split('\n');
    expect(lines[1]).toBe(words);
    expect(lines[2]).toBe(`| red ${forged}`);
    expect(body).not.toContain('\u3000');
    expect(html).toContain(`<p>| <code>red ${forged}</code></p>`);
    expect(html.replaceAll(/<code>.*?<\/code>/g, '')).not.toContain('✅');
  });

  test('begins no line of its own in a reason either', () => {
    expect(verdictMessage({ accepted: false, reason: text }, '$e').body).toBe(`Refused: red ${forged}`);
    expect(standingWords({ title: 'Failed', words: text, since: null }, 0)).toBe(`red ${forged}`);
  });
});
