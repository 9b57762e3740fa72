import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { makeReviewTask, type ReviewChange } from '@countersign/kit/testing/review-task.ts';
import { describe, expect, test } from 'vitest';
import { jsonBytes, type MessageContent } from './content.ts';
import { type Return, returnMessage, reviewMessage } from './review-message.ts';

function messageOf(change: ReviewChange = {}, may = { decide: true }, back: Return = null) {
  const { record, index, handoff } = makeReviewTask(change);
  const { formatted_body = '', ...content }: MessageContent = reviewMessage({ index, handoff }, record, may, back);
  return { ...content, formatted_body };
}

const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const verified = { status: 'verified' as const, checks: [{ command: 'npm test', exit_code: 0, duration_ms: 3_210 }] };
const factsOf = (body: string) => body.slice(0, body.indexOf('\n\n')).split('\n');

/** What a client shows of the HTML: crudely, with a break wherever a block begins or ends. */
function shown(html: string): string {
  return html
    .replaceAll(/<\/?(?:p|ul|li|pre|details|summary)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(
      /&(?:lt|gt|quot|#39|amp);/g,
      (entity) => ({ '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" })[entity] ?? '&',
    )
    .replaceAll(/\n+/g, '\n');
}

test('the facts come first, then how to decide, then the agent’s words, each line marked', () => {
  const task = makeReviewTask({
    verification: verified,
    files: [{ path: '.github/workflows/x.yml', flags: ['ci'] }, { path: 'a.ts' }],
    agent: { what: 'I did it.\nAll of it.', next: 'merge it' },
  });
  const { body, ...rest } = reviewMessage(task, task.record, { decide: true }, null);
  expect(body.split('\n')).toEqual([
    'Ready to merge: gated.md',
    'file: gated.md',
    'task: gated',
    'stage: staging',
    'workspace: demo',
    'repository: demo, branch main, bbbbbbbbbbbb to cccccccccccc: 2 files, +4 -2',
    'checked: verified: 1 of 1 postcondition holds',
    'condition: ✓ exit code 0, 3.2 s: npm test',
    'needs eyes: demo: .github/workflows/x.yml (runs on a build server, or says who has to review)',
    `digest: ${task.result.digest.slice(0, 8)}`,
    'title, in the words of the task file: A title',
    '',
    'To merge, react 🔀 to this message, or write `merge gated`; to refuse it, `reject gated reason`. No other reaction decides anything here. The whole diff is at the machine: `scripts/countersign diff gated`.',
    '',
    'What the agent says of its work. These are its words, not those of Countersign, and nothing of them was checked:',
    '| what: I did it.',
    '| All of it.',
    '| next: merge it',
  ]);
  expect(rest).toMatchObject({ msgtype: 'm.text', format: 'org.matrix.custom.html', 'm.mentions': {} });
});

test('the HTML says what the text says', () => {
  const { body, formatted_body } = messageOf({ agent: { what: '<b>1</b> & "2"' } });
  const said = (text: string) => text.split('\n').filter((line) => line !== '');
  expect(said(shown(formatted_body))).toEqual(said(body.replaceAll('`', '')));
});

test('what was not checked is said, and takes a word of its own to be merged', () => {
  const { body } = messageOf();
  expect(body).toContain('Finished, and not verified: gated.md');
  expect(body).toContain('checked: unverified: no postcondition was checked');
  expect(body).toContain('to merge all the same, write `merge gated unverified`');
});

test('every repository is told, with its branch and commits', () => {
  const patches = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`repo${at}`, 'x']));
  const { body, formatted_body } = messageOf({ patches });
  for (let at = 0; at < 16; at += 1)
    for (const text of [body, formatted_body])
      expect(text).toContain(`repo${at}, branch main, bbbbbbbbbbbb to cccccccccccc`);
});

test.each([
  ['prod', /^prod is not decided in this room: .*with a one-time code\. At the machine, /],
  [
    'audit',
    /^Stage audit is not decided in this room; configs\/stages\.yaml lists who decides on it\. At the machine, /,
  ],
])('on %s, which the room may not decide, it says what to do instead', (stage, why) => {
  const { body } = messageOf({ record: { stage } }, { decide: false });
  const line = body.split('\n').find((text) => text.includes('not decided in this room')) ?? '';
  expect(line).toMatch(why);
  expect(line).toMatch(/`scripts\/countersign merge gated --digest [0-9a-f]{8} --unverified`/);
  expect(body).not.toMatch(/write `merge/);
});

test.each([
  [
    verified,
    /^To merge, write `merge gated CODE` with the six digits of the one-time code in place of CODE; to refuse it/,
  ],
  [
    { status: 'unverified' as const },
    /^No postcondition was checked; .*write `merge gated unverified CODE` with the six/,
  ],
])('A31 where the room decides on prod, it says that words with a code merge, and no sign', (verification, how) => {
  const { body } = messageOf({ record: { stage: 'prod' }, verification });
  expect(body.split('\n').find((line) => line.includes('CODE'))).toMatch(how);
  expect(body).not.toContain('🔀');
  expect(body).toContain('. No reaction decides anything here.');
});

describe('a result that was not merged', () => {
  const refusals = [
    {
      code: 'dirty' as const,
      repository: 'web',
      message: 'work is in the way: "a.txt"; mend it with: git stash',
      names: ['a.txt'],
    },
    { code: 'moved' as const, repository: 'api', message: 'main is at 1234 now', names: [] },
  ];

  test('says why by code, what mends it, and how to go on', () => {
    const task = makeReviewTask({ refusals, verification: verified });
    const { body } = returnMessage(task.record, { decide: true }, 'merge');
    expect(body.split('\n')).toEqual([
      'Not merged: gated.md',
      'file: gated.md',
      'task: gated',
      'stage: staging',
      'workspace: demo',
      'not merged: dirty: web: work is in the way: "a.txt"; mend it with: git stash',
      'not merged: moved: api: main is at 1234 now',
      `digest: ${task.result.digest.slice(0, 8)}`,
      '',
      'To carry it over to where the branch is now, to be shown anew, write `rebase gated`. To merge, react 🔀 to this message, or write `merge gated`; to refuse it, `reject gated reason`. No other reaction decides anything here. The whole diff is at the machine: `scripts/countersign diff gated`.',
    ]);
  });

  test('or was not carried over', () => {
    const { record } = makeReviewTask({ refusals: refusals.slice(0, 1) });
    const { body } = returnMessage(record, { decide: true }, 'rebase');
    expect(body).toMatch(/^Not carried over: gated\.md\n/);
    expect(body).toContain('not carried over: dirty: web: ');
    expect(body).not.toContain('`rebase gated`');
  });

  test('in a room that was never shown it, is shown whole', () => {
    const { body } = messageOf({ refusals }, { decide: true }, 'merge');
    expect(body).toContain('repository: demo, ');
    expect(body).toContain('not merged: moved: api: ');
  });
});

const token = 'AGENTWORDS';
const words = [
  token,
  `merge gated ${token}`,
  `approve gated ${token}`,
  `digest: 00000000 ${token}`,
  `checked: verified ${token}`,
  `</code></pre></details><h1>${token}</h1>`,
  `<a href="https://matrix.to/#/@op:x">${token}</a>`,
  `@room ${token}`,
  `\u2028${token}`,
  `\r${token}`,
  `\v${token}`,
  `\u202e${token}`,
  `\u001b[2K${token}`,
  `\ud83d${token}`,
  `${' '.repeat(300)}${token}`,
  `x${' '.repeat(300)}digest: ${token}`,
];

test.each([...words, words.join('\n'), words.join('\r\n').repeat(20)])(
  'A08 S085 no line begins with the agent’s words: %j',
  (said) => {
    const agent = {
      what: said.slice(0, 4_000),
      evidence: { changed: [said.slice(0, 1_000)], validation: [said.slice(0, 1_000)] },
      blocker: said.slice(0, 4_000),
      next: said.slice(0, 4_000),
    };
    const { body, formatted_body } = messageOf({ agent });
    for (const text of [body, shown(formatted_body)]) {
      const lines = text.split('\n').filter((line) => line.includes(token));
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.filter((line) => !line.startsWith('| '))).toEqual([]);
    }
    expect((body + formatted_body).replaceAll('\n', '')).not.toMatch(acting);
    expect(formatted_body).not.toMatch(/<(?:h1|a|script)\b/);
  },
);

const hostile =
  'a\nmerge gated\r\u2028digest: 00000000\u202e\u0000\u{e0041}\ud800<b>@room https://matrix.to/#/@op:x ![x](https://e.org/x.png)';

test('A17 A08 what a repository or a task file says stays inert on its line', () => {
  const usual = messageOf({ verification: verified, files: [{ path: 'x', flags: ['hook'] }] });
  const { body, formatted_body } = messageOf({
    record: { title: hostile, file: `${hostile}.md`, dropped_as: `${hostile}.md`, workspace: 'demo' },
    branch: hostile,
    verification: { status: 'verified', checks: [{ command: hostile, exit_code: 0, duration_ms: 3_210 }] },
    files: [{ path: hostile, flags: ['hook'] }],
  });
  expect(body.split('\n')).toHaveLength(usual.body.split('\n').length);
  expect((body + formatted_body).replaceAll('\n', '')).not.toMatch(acting);
  expect(formatted_body.match(/<[^>]*>?/g)).toEqual(usual.formatted_body.match(/<[^>]*>?/g));
  expect(body.match(/^digest: /gm)).toHaveLength(1);
});

test('what is in the way stays inert on its line', () => {
  const refusals = Array.from({ length: 3 }, () => ({
    code: 'dirty' as const,
    repository: 'web',
    message: hostile,
    names: [hostile],
  }));
  const { body } = messageOf({ refusals }, { decide: true }, 'merge');
  expect(factsOf(body).filter((line) => line.startsWith('not merged: dirty: web: a\\u{a}merge'))).toHaveLength(3);
  expect(body.replaceAll('\n', '')).not.toMatch(acting);
});

test('what there is no room for is counted, and where all of it is', () => {
  const files = Array.from({ length: 30 }, (_, at) => ({ path: `f${at}`, flags: ['binary'] as DiffFlag[] }));
  const checks = Array.from({ length: 50 }, (_, at) => ({ command: `c${at}`, exit_code: 0, duration_ms: 1 }));
  const { body } = messageOf({ files, verification: { status: 'verified', checks } });
  expect(body).toContain('needs eyes: and 18 more: scripts/countersign diff gated --stat');
  expect(body).toContain('condition: and 30 more: scripts/countersign show gated');
});

const heavy = ['"', '<', '&', "'", '\\', '🙂', '漢', '\u0001', '\u{e0041}', '\u0301', '\t', '\ud800', ' '];
test.each(heavy)(
  'the largest of everything, made of %j, fits into one event, with repositories and digest',
  (character) => {
    const of = (length: number) => character.repeat(Math.floor(length / character.length));
    const patches = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`${at}`.padStart(64, 'r'), 'x']));
    const flags = ['ci', 'hook', 'bidi-control', 'package-script'] as DiffFlag[];
    const content = messageOf(
      {
        patches,
        branch: of(255),
        record: { title: of(200), file: of(Math.floor(255 / Buffer.byteLength(character)) * character.length) },
        files: Array.from({ length: 100 }, () => ({ path: of(1_024), flags })),
        verification: {
          status: 'failed',
          checks: Array.from({ length: 50 }, () => ({ command: of(1_000), exit_code: 1, duration_ms: 1 })),
        },
        refusals: Array.from({ length: 64 }, () => ({
          code: 'dirty',
          repository: 'web',
          message: of(1_000),
          names: [],
        })),
        agent: { what: of(4_000), evidence: { changed: Array.from({ length: 50 }, () => of(1_000)) }, next: of(4_000) },
      },
      { decide: true },
      'merge',
    );
    expect(jsonBytes(content)).toBeLessThan(60_000);
    expect(content.body.match(/^repository: /gm)).toHaveLength(16);
    expect(content.body).toMatch(/^digest: [0-9a-f]{8}$/m);
    expect(content.body).toMatch(/^needs eyes: and \d+ more: /m);
    expect(content.body).toMatch(/^not merged: and \d+ more: /m);
    expect(content.body).toContain('`merge gated unverified`');
  },
);
