import { strict as assert } from 'node:assert';
import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { ApprovalView, Pending } from '@countersign/kit/approval-view.ts';
import { cut, escapeHtml, jsonBytes, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { describeLeft, excerptOf } from './plan-excerpt.ts';

type Fact = readonly [name: string, value: string];

/** Shares of the room for the plan that are tried one after the other, when all else is unusually long. */
const shares = [1, 0.5, 0.25, 0];

/**
 * What the room is asked with: facts that we state, then how to decide, then the model's words, each line marked so that none
 * of them can pass for ours. Everything comes from the bytes that the digest covers, but for the title. Pure.
 * @param view what an approval would bind, checked against its digest
 * @param may.decide whether anybody may decide on this stage in the room
 */
export function gateMessage(view: ApprovalView, record: Pending, may: { readonly decide: boolean }): MessageContent {
  for (const share of shares) {
    const content = render(view, record, may.decide, share);
    if (jsonBytes(content) <= messageLimits.contentBytes) return content;
  }
  assert.fail('the facts of a request have bounds that leave room for all of them');
}

function render(view: ApprovalView, record: Pending, mayDecide: boolean, share: number): MessageContent {
  const { bundle, plan } = view;
  const file = inertFact(bundle.file);
  const facts = factsOf(view, record).map(([name, value]): Fact => [name, inertFact(value)]);
  const step = mayDecide ? decideHere(bundle.task) : decideElsewhere(view);
  const lines = inertLines(plan).map(withCountedSpaces);
  const heading = `The plan, ${lines.length === 1 ? '1 line' : `${lines.length} lines`}. These are the words of the model, not of Countersign`;
  const plain = excerptOf(lines, messageLimits.planBodyBytes * share, (line) => line);
  const html = excerptOf(lines, messageLimits.planHtmlBytes * share, escapeHtml);
  const plainLeft = describeLeft(plain, bundle.task);
  const htmlLeft = describeLeft(html, bundle.task);
  const code = html.lines.length === 0 ? '' : `<pre><code>${html.lines.join('\n')}</code></pre>`;
  const isLong = lines.length > messageLimits.unfoldedLines || plan.length > messageLimits.unfoldedCharacters;
  return {
    msgtype: 'm.text',
    body: [
      `Approval required: ${file}`,
      ...facts.map(([name, value]) => `${name}: ${value}`),
      '',
      step.map(toText).join(''),
      '',
      `${heading}:`,
      ...plain.lines,
      ...(plainLeft === null ? [] : [plainLeft]),
    ].join('\n'),
    format: 'org.matrix.custom.html',
    formatted_body: [
      `<p><strong>Approval required: <code>${escapeHtml(file)}</code></strong></p>`,
      `<ul>${facts.map(([name, value]) => `<li>${escapeHtml(name)}: <code>${escapeHtml(value)}</code></li>`).join('')}</ul>`,
      `<p>${step.map(toHtml).join('')}</p>`,
      isLong ? `<details><summary>${heading}</summary>${code}</details>` : `<p>${heading}:</p>${code}`,
      htmlLeft === null ? '' : `<p>${escapeHtml(htmlLeft)}</p>`,
    ].join(''),
    'm.mentions': {},
  };
}

function factsOf({ digest, bundle }: ApprovalView, record: Pending): Fact[] {
  const { task, stage, workspace, repositories, tool, model, sandbox } = bundle;
  return [
    ['file', bundle.file],
    ...(record.file === bundle.file ? [] : [['now called', record.file] as const]),
    ['task', task],
    ['stage', stage],
    ['workspace', workspace],
    ...repositories.map(
      ({ name, branch, base_head }): Fact => [
        'repository',
        `${name}, branch ${cut(inertLine(branch), messageLimits.branchCharacters)}, from commit ${base_head}`,
      ],
    ),
    ['tool', tool.name],
    ['model', describeModel(model)],
    ['limits', `${bundle.timeout_sec} s, sandbox profile ${sandbox.profile}, expires ${bundle.expires_at}`],
    ['digest', digest.slice(0, 8)],
    // Last, so that whatever it says stands behind our own words.
    ['title, in the words of the task file', record.title],
  ];
}

/** A sentence of ours; what is to be typed is set apart. */
type Sentence = readonly { readonly text: string; readonly isCode?: true }[];

function decideHere(task: string): Sentence {
  return [
    { text: 'To decide, react ✅ or ❌ to this message, or write ' },
    { text: `approve ${task}`, isCode: true },
    { text: ' or ' },
    { text: `reject ${task} reason`, isCode: true },
    { text: '.' },
  ];
}

function decideElsewhere({ digest, bundle }: ApprovalView): Sentence {
  const { task } = bundle;
  const stage = inertFact(bundle.stage);
  const why =
    stage === secondFactorStage
      ? `${stage} is not decided in this room: it is decided at the machine itself until it has a second factor. There, `
      : `Stage ${stage} is not decided in this room; configs/stages.yaml lists who decides on it. At the machine, `;
  return [
    { text: why },
    { text: `scripts/countersign show ${task}`, isCode: true },
    { text: ', then ' },
    { text: `scripts/countersign approve ${task} --digest ${digest.slice(0, 8)}`, isCode: true },
    { text: ' or ' },
    { text: `scripts/countersign reject ${task} reason`, isCode: true },
    { text: '.' },
  ];
}

function toText({ text, isCode }: Sentence[number]): string {
  return isCode === true ? `\`${text}\`` : text;
}

function toHtml({ text, isCode }: Sentence[number]): string {
  return isCode === true ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text);
}

/** What stands behind many spaces would begin a line of its own on a small screen, unmarked. */
function withCountedSpaces(line: string): string {
  return line.replace(/(?<=\S)\s{9,}(?=\S)/g, (spaces) => ` [${spaces.length} spaces] `);
}

/** On one line, with single spaces: many of them would be broken into lines on a small screen. */
function inertFact(value: string): string {
  return cut(inertLine(value).replace(/\s+/g, ' '), messageLimits.factCharacters);
}
