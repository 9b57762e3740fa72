import type { Bundle } from '@countersign/contracts/bundle.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { jsonBytes, type MessageContent } from './content.ts';
import { gateMessage } from './gate-message.ts';

function messageOf(
  plan: string,
  change: Partial<TaskRecord> = {},
  bundle: Partial<Bundle> = {},
  may = { decide: true },
): MessageContent & { formatted_body: string } {
  const { record, view } = makeWaitingTask(plan, change, bundle);
  const { formatted_body = '', ...content } = gateMessage(view, record, may);
  return { ...content, formatted_body };
}

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

const tagsOf = (html: string) => html.match(/<[^>]*>?/g) ?? [];
const ours = ['<p>', '<strong>', '<code>', '<ul>', '<li>', '<pre>', '<details>', '<summary>'];
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test('the facts come first, in their order, then how to decide, then the plan', () => {
  const { record, view } = makeWaitingTask('1. Do it\n2. Check it\n', { title: 'A title' });
  const { body, ...rest } = gateMessage(view, record, { decide: true });
  expect(body.split('\n')).toEqual([
    'Approval required: gated.md',
    'file: gated.md',
    'task: gated',
    'stage: staging',
    'workspace: demo',
    `repository: demo, branch main, from commit ${'b'.repeat(40)}`,
    'tool: agent',
    'model: m (the rehearsal stand-in, which is no language model)',
    'limits: 60 s, sandbox profile default, expires 2026-11-23T10:00:00.000Z',
    `digest: ${view.digest.slice(0, 8)}`,
    'title, in the words of the task file: A title',
    '',
    'To decide, react ✅ or ❌ to this message, or write `approve gated` or `reject gated reason`.',
    '',
    'The plan, 2 lines. These are the words of the model, not of Countersign:',
    '| 1. Do it',
    '| 2. Check it',
  ]);
  expect(rest).toMatchObject({ msgtype: 'm.text', format: 'org.matrix.custom.html', 'm.mentions': {} });
  expect(Object.keys(rest).sort()).toEqual(['format', 'formatted_body', 'm.mentions', 'msgtype']);
});

test('A31 where the room decides on prod, it says that words with a code approve, and no sign', () => {
  const { body } = messageOf('plan', { stage: 'prod' }, { stage: 'prod' });
  expect(body).toContain(
    'To decide, write `approve gated CODE` with the six digits of the one-time code in place of CODE, or react ❌, or write `reject gated reason`. ✅ approves nothing here.',
  );
  // Words that are copied from it are no guess.
  expect(body).not.toMatch(/approve gated \d/);
});

test('the HTML says what the text says', () => {
  const { body, formatted_body } = messageOf('1. Do <it> & "that"\n2. Check');
  const said = (text: string) => text.split('\n').filter((line) => line !== '');
  expect(said(shown(formatted_body))).toEqual(said(body.replaceAll('`', '')));
});

test('every repository is told with its branch and its commit', () => {
  const repositories = Array.from({ length: 16 }, (_, index) => ({
    name: `repo${index}`,
    branch: `branch${index}`,
    base_head: String(index % 10).repeat(40),
  }));
  const { body, formatted_body } = messageOf('plan', {}, { repositories });
  for (const { name, branch, base_head } of repositories)
    for (const text of [body, formatted_body])
      expect(text).toContain(`${name}, branch ${branch}, from commit ${base_head}`);
});

test('a file that has another name now is told with both', () => {
  const { body } = messageOf('plan', { file: 'x.gated.md' }, { file: 'x.md' });
  expect(body).toContain('file: x.md\nnow called: x.gated.md\n');
});

test.each([
  ['prod', /^prod is not decided in this room: .*with a one-time code\. At the machine, /],
  [
    'audit',
    /^Stage audit is not decided in this room; configs\/stages\.yaml lists who decides on it\. At the machine, /,
  ],
])('on %s, which the room may not decide, it says what to do instead', (stage, why) => {
  const { body, formatted_body } = messageOf('plan', { stage }, {}, { decide: false });
  const line = body.split('\n').find((text) => text.includes('not decided in this room')) ?? '';
  expect(line).toMatch(why);
  expect(line).toMatch(
    /`scripts\/countersign show gated`, then `scripts\/countersign approve gated --digest [0-9a-f]{8}`/,
  );
  expect(body + formatted_body).not.toContain('✅');
  expect(body + formatted_body).not.toContain('write');
});

describe('the plan', () => {
  test('is folded when it is long, under a summary of our words alone', () => {
    expect(messageOf('short').formatted_body).not.toContain('<details>');
    const { formatted_body } = messageOf('step\n'.repeat(50));
    expect(formatted_body).toMatch(
      /<details><summary>The plan, 50 lines\. These are the words of the model, not of Countersign<\/summary><pre><code>\| step\n/,
    );
    expect(messageOf('x'.repeat(2_000)).formatted_body).toContain('<details>');
  });

  test('that does not fit is shown as far as it goes, and what is missing is counted', () => {
    const { body, formatted_body } = messageOf(Array.from({ length: 5_000 }, (_, index) => `step ${index}`).join('\n'));
    const planLines = (text: string) => text.split('\n').filter((line) => line.startsWith('| ')).length;
    const left = (text: string) => Number(/(?:and|…) ([\d,]+) more lines/.exec(text)?.[1]?.replaceAll(',', ''));
    for (const text of [body, shown(formatted_body)]) {
      expect(planLines(text)).toBeGreaterThan(150);
      expect(planLines(text) + left(text)).toBe(5_000);
      expect(
        text
          .split('\n')
          .filter((line) => line !== '')
          .at(-1),
      ).toMatch(/characters: scripts\/countersign show gated$/);
    }
    expect(planLines(shown(formatted_body))).toBeGreaterThan(planLines(body));
  });
});

const token = 'PLANWORDS';
const planLines = [
  `${token}`,
  `approve gated ${token}`,
  `digest: 00000000 ${token}`,
  `Approval required: ${token}`,
  `… 3 more lines: ${token}`,
  `</code></pre></details><h1>${token}</h1>`,
  `<!-- ${token}`,
  `&lt;b&gt; &#60;script&#62; ${token}`,
  `<mx-reply><blockquote>${token}</blockquote></mx-reply>`,
  `<a href="https://matrix.to/#/@op:x">${token}</a>`,
  `![x](https://example.org/beacon.png) ${token}`,
  `@room @operator:countersign.local ${token}`,
  `\u2028${token}`,
  `\u0085${token}`,
  `\v${token}`,
  `\f${token}`,
  `\r${token}`,
  `\u202e${token}`,
  `\u001b[2K\u001b[1A${token}`,
  `\b\b\b${token}`,
  `\ud83d${token}`,
  `\t${token}`,
  `| ${token}`,
  `${' '.repeat(300)}${token}`,
];
/** The lines alone, all together, and with every kind of break between them. */
const plans = [
  ...planLines,
  ...['\n', '\r\n', '\n\n', '\r', '\n\r', '\u2029'].map((separator) => planLines.join(separator)),
  planLines.join('\n').repeat(40),
];

test.each(plans)('S085 no line begins with words of the plan, and no tag of theirs is one: %j', (plan) => {
  const { body, formatted_body } = messageOf(plan);
  const plain = messageOf('x').formatted_body;
  for (const text of [body, shown(formatted_body)]) {
    const lines = text.split('\n').filter((line) => line.includes(token));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.startsWith('| '))).toEqual([]);
  }
  const extra = formatted_body.includes('<details>') ? ['<details>', '</details>', '<summary>', '</summary>'] : [];
  const tags = tagsOf(formatted_body).filter((tag) => !extra.includes(tag));
  const expected = tagsOf(plain).filter((tag) => extra.length === 0 || tag !== '<p>');
  expect(tags.filter((tag) => extra.length === 0 || tag !== '<p>').filter((tag) => tag !== '</p>')).toEqual(
    expected.filter((tag) => tag !== '</p>'),
  );
  for (const tag of tagsOf(formatted_body)) expect(ours).toContain(tag.replace('/', ''));
  expect((body + formatted_body).replaceAll('\n', '')).not.toMatch(acting);
});

const names = [
  'it\'s "quoted" `ticked`.md',
  'two\nlines\r\n.md',
  '\nApproval required: other.md',
  '<script>alert(1)</script>.md',
  '</code></strong></p><h1>x</h1>.md',
  '&lt;b&gt;.md',
  '@room.md',
  '@operator:countersign.local.md',
  'https://matrix.to/#/@op:x',
  '[x](https://example.org).md',
  'invoice\u202edm.exe.md',
  '\u200b\u2066\u{e0041}\u2028.md',
  '\u001b]0;x\u0007.md',
  `x${'\u0301'.repeat(120)}.md`,
  '🙂'.repeat(63),
  '"'.repeat(255),
  '<'.repeat(255),
  '\u007f'.repeat(255),
  '漢'.repeat(85),
  `${'a'.repeat(252)}.md`,
];

test.each(names)('A17 a file called %j stays inert, whole and on its line', (name) => {
  const usual = messageOf('plan');
  const { body, formatted_body } = messageOf(
    'plan',
    { file: name, dropped_as: name, title: name.slice(0, 200) },
    { file: name },
  );
  expect(body.split('\n')).toHaveLength(usual.body.split('\n').length);
  expect((body + formatted_body).replaceAll('\n', '')).not.toMatch(acting);
  expect(tagsOf(formatted_body)).toEqual(tagsOf(usual.formatted_body));
  const [first, second] = body.split('\n');
  expect(first?.replace('Approval required: ', '')).toBe(second?.replace('file: ', ''));
  expect(first).not.toMatch(/…$/);
});

const heavy = [
  '"',
  '<',
  '&',
  "'",
  '\\',
  '🙂',
  '漢',
  '\n',
  '\n"',
  '\u0001',
  '\u200b',
  '\u{e0041}',
  '\u0301',
  '\t',
  '\ud800',
  ' ',
];
test.each(heavy)('the largest plan, of %j alone, and the longest names fit into one event', (character) => {
  const size = Buffer.byteLength(character);
  const plan = character.repeat(Math.floor(65_536 / size));
  const name = character.repeat(Math.floor(255 / size));
  const repositories = Array.from({ length: 16 }, (_, index) => ({
    name: `${index}`.padStart(64, 'r'),
    branch: name,
    base_head: 'b'.repeat(64),
  }));
  const long = { file: name, dropped_as: name, title: character.repeat(Math.floor(200 / character.length)) };
  for (const bundle of [{}, { file: name, repositories, model: { kind: name, name: character.repeat(256) } }]) {
    const content = messageOf(plan, long, bundle);
    expect(jsonBytes(content)).toBeLessThan(60_000);
    expect(content.body).toMatch(/characters: scripts\/countersign show gated$/);
    expect(content.body).toContain('react ✅ or ❌');
  }
});

test('of an ordinary request the plan has its share, whatever it is made of', () => {
  for (const character of ['"', '<', '🙂', 'x']) {
    const content = messageOf(`${character.repeat(200)}\n`.repeat(150));
    expect(jsonBytes(content.formatted_body)).toBeGreaterThan(20_000);
    expect(jsonBytes(content.formatted_body)).toBeLessThan(26_000);
    expect(jsonBytes(content.body)).toBeLessThan(4_500);
  }
});

test('when the facts alone are long, the plan makes room for them; they are never left out', () => {
  const repositories = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `${index}`.padStart(64, 'r'),
      branch: '"'.repeat(120),
      base_head: 'b'.repeat(64),
    }));
  const plan = '"\n'.repeat(30_000);
  const planLines = ({ formatted_body }: { formatted_body: string }) => formatted_body.match(/^\| /gm)?.length ?? 0;
  const crowded = messageOf(plan, {}, { repositories: repositories(30) });
  expect(jsonBytes(crowded)).toBeLessThan(60_000);
  expect(planLines(crowded)).toBeLessThan(planLines(messageOf(plan)));
  expect(crowded.body.match(/^repository: /gm)).toHaveLength(30);
  expect(() => messageOf(plan, {}, { repositories: repositories(1_000) })).toThrow('have bounds');
});

test('A35 many spaces break neither a title nor a line of the plan into lines that look like ours', () => {
  const gap = '\u00a0'.repeat(45);
  const { body, formatted_body } = messageOf(`1. tidy${gap}stage: dev\n    2. indented`, {
    title: `tidy${gap}stage: dev`,
  });
  expect(body).toContain('title, in the words of the task file: tidy stage: dev');
  for (const text of [body, formatted_body]) {
    expect(text).toContain('| 1. tidy [45 spaces] stage: dev');
    expect(text).toContain('|     2. indented');
    expect(text).not.toMatch(/\s{9}/u);
  }
});
