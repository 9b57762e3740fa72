import { expect, test } from 'vitest';
import { saysTheSame } from './formatted.ts';

const quote =
  '<mx-reply><blockquote><a href="https://matrix.to/#/!r/$e">In reply to</a> @bot<br>reject it</blockquote></mx-reply>';

test.each([
  ['approve gated', undefined],
  ['approve gated', 'approve gated'],
  ['approve **gated**', 'approve <strong>gated</strong>'],
  ['approve x_1_2.md', 'approve x<em>1</em>2.md'],
  ['approve `gated`', '<p>approve <code>gated</code></p>'],
  ['reject gated 1 < 2 & "no"', 'reject gated 1 &lt; 2 &amp; &quot;no&quot;'],
  ["reject gated it's late", 'reject gated it&#39;s late'],
  ['reject  gated', 'reject &nbsp;gated'],
  ['approve gated.md', 'approve <a href="http://gated.md">gated.md</a>'],
])('%j and the HTML %j say the same', (body, formatted) => {
  expect(saysTheSame(body, formatted, false)).toBe(true);
});

test.each([
  ['words that are struck out', 'approve gated', '<del>approve gated</del>'],
  ['words that are struck out, by an older sign', 'approve gated', '<S>approve gated</S>'],
  ["somebody else's words", 'approve gated', '<blockquote>approve gated</blockquote>'],
  ['words that are folded away', 'approve gated', '<details>approve gated</details>'],
  ['words that are hidden', 'approve gated', '<span data-mx-spoiler>approve gated</span>'],
  ['another verb', 'approve gated', 'reject gated'],
  ['another name', 'approve gated', 'approve other'],
  ['more', 'approve gated', 'approve gated and nothing else'],
  ['less', 'approve gated', 'approve'],
  ['nothing', 'approve gated', ''],
  ['no text', 'approve gated', 5],
  ['null', 'approve gated', null],
  ['a list', 'approve gated', ['approve gated']],
  ['an entity that we do not know', 'approve gated', 'approve &#103;ated'],
  ['an attribute with a bracket in it', 'approve gated', '<a title=">reject other">approve gated</a>'],
  ['another case', 'approve gated', 'Approve gated'],
  ['a quote that is not hidden', 'approve gated', `${quote}approve gated`],
])('A08 HTML that shows %s does not say the same', (_, body, formatted) => {
  expect(saysTheSame(body, formatted, false)).toBe(false);
});

test('A08 of a reply, the quote that clients hide does not count, and nothing else is hidden', () => {
  expect(saysTheSame('approve', `${quote}approve`, true)).toBe(true);
  expect(saysTheSame('approve', `${quote}<p>reject</p>`, true)).toBe(false);
  expect(saysTheSame('approve', `approve${quote}`, true)).toBe(false);
  expect(saysTheSame('approve', `${quote}${quote}approve`, true)).toBe(false);
  expect(saysTheSame('approve', '<mx-reply>approve', true)).toBe(true);
});

test('A21 a long and hostile text is compared in time that grows with its length', () => {
  const most = 1_000_000;
  expect(saysTheSame('approve', '<mx-reply>'.repeat(most / 10), true)).toBe(false);
  expect(saysTheSame('approve', '<'.repeat(most), true)).toBe(false);
  expect(saysTheSame('approve', '&'.repeat(most), true)).toBe(false);
  expect(saysTheSame('approve', `${' '.repeat(most)}<mx-reply>`, true)).toBe(false);
});
