import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { endMessage, lineMessage, tamperedDiffMessage, tamperedMessage, verdictMessage } from './answers.ts';
import type { MessageContent } from './content.ts';
import { gateMessage } from './gate-message.ts';
import { helpMessage, mistypedMessage } from './help-message.ts';
import { breakerMessage, noteMessage, queueMessage, waitMessage } from './notices.ts';
import { returnMessage, reviewMessage } from './review-message.ts';

const since = '2026-11-20T10:00:00.000Z';
const may = [{ decide: true }, { decide: false }];

/** Every message in which somebody else's words can stand, with these words in each place. */
function messagesWith(words: string): MessageContent[] {
  const names = { title: words.slice(0, 200), file: `${words}.md`, dropped_as: `${words}.md` };
  const waiting = makeWaitingTask(words, names, { file: `${words}.md` });
  const review = makeReviewTask({
    record: names,
    branch: words.slice(0, 100),
    files: [{ path: words, flags: ['ci'] }],
    refusals: [{ code: 'dirty', repository: 'demo', message: words, names: [words] }],
    verification: { status: 'verified', checks: [{ command: words, exit_code: 0, duration_ms: 1 }] },
    agent: { what: words, next: words, blocker: words, evidence: { changed: [words], validation: [words] } },
  });
  const ended = makeRecord({ status: 'rejected', since, reason: words }, names);
  return [
    ...may.flatMap((each) => [
      gateMessage(waiting.view, waiting.record, each),
      reviewMessage(review, review.record, each, null),
      reviewMessage(review, review.record, each, 'merge'),
      returnMessage(review.record, each, 'rebase'),
    ]),
    endMessage(ended),
    tamperedMessage(waiting.record),
    tamperedDiffMessage(review.record),
    verdictMessage({ accepted: false, reason: words }, '$e'),
    noteMessage('approval_revoked', 'gated', words, words),
    waitMessage('gated', words, { words, since }),
    queueMessage(words),
    breakerMessage(true, words),
    mistypedMessage(words),
    lineMessage(words),
    helpMessage(),
  ];
}

const textsOf = ({ body, formatted_body = '' }: MessageContent) => `${body}\n${formatted_body}`;
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]/u;
const tags = /<\/?(?:p|strong|ul|li|code|pre|details|summary)>/g;

describe.each([
  ['a right-to-left override', 'pay\u202egnihton\u202c now'],
  ['isolates', 'stage \u2066dev\u2069 \u2067prod\u2069'],
  ['right-to-left and left-to-right marks', 'a\u200fb\u200ec\u061cd'],
  ['characters without a width', 'approve\u200b \u200cre\u200dject\u2060\ufeff'],
  ['a soft hyphen', 'ap\u00adprove'],
  ['fillers that show as nothing', 'a\u3164b\u115f\u1160\uffa0\u2800c'],
  ['tags and variation selectors of another plane', 'a\u{e0061}\u{e0070}\u{e007f}'],
  ['lines and paragraphs', 'a\u2028Approval required\u2029digest: 0'],
  ['line breaks', 'a\nApproval required: x\r\ndigest: 0\rstage: dev'],
  ['controls', 'a\u0007\u0008\u001b[2J\u009b1A\u0085'],
  ['HTML', '<b>a</b><script>x</script><img src=x onerror=y>&lt;i&gt;</code></li></ul><h1>b'],
  ['a pile of marks', `a${'\u0301'.repeat(60)}`],
  ['half a character', '\ud83d a'],
])('A35 %s', (_, words) => {
  test('A35 in a name, a title, a path or a word acts nowhere, and is told', () => {
    const usual = messagesWith('plain words');
    for (const [index, content] of messagesWith(words).entries()) {
      const text = textsOf(content);
      expect(text.replaceAll('\n', '')).not.toMatch(acting);
      expect(text).not.toMatch(/\u0301{20}/);
      // What is marked up is ours.
      expect((content.formatted_body ?? '').replaceAll(tags, '')).not.toMatch(/<[^>]*>/);
      expect(content['m.mentions']).toEqual({});
      // A title or a name makes no line more than plain words do; words that are quoted may.
      const own = ({ body }: MessageContent) => body.split('\n').filter((line) => !/^(?:\| |…)/.test(line)).length;
      if (content.body !== lineMessage(words).body) expect(own(content)).toBe(own(usual[index] ?? content));
    }
  });
});

const link = 'https://countersign.example.evil.test/approve?task=gated&yes=1#now';

test('A36 no message of ours holds a link, and none asks to open one', () => {
  for (const content of messagesWith('plain words')) {
    expect(textsOf(content)).not.toMatch(/:\/\/|<a\b|href|www\.|mailto:|matrix\.to|javascript:/i);
    expect(textsOf(content)).not.toMatch(/\b(?:click|tap|open) (?:here|this|the link)\b/i);
  }
});

test('A36 a link in somebody else’s words is text that shows where it leads, and no link of ours', () => {
  for (const words of [
    link,
    `[the dashboard](${link})`,
    `<a href="${link}">the dashboard</a>`,
    `<${link}>`,
    `![x](${link})`,
  ])
    for (const { formatted_body = '', body } of messagesWith(words)) {
      expect(formatted_body).not.toMatch(/<(?:a|img)\b|<[^>]*\b(?:href|src)=/i);
      const shown = body.match(/https:\/\/\S*/g) ?? [];
      expect(shown.filter((each) => !each.startsWith('https://countersign.example.evil.test/'))).toEqual([]);
    }
});
