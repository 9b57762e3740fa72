import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { beforeEach, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { makeHome, openContext } from '../testing/home.ts';
import { checkTask, type WorkspaceAnswers } from './check-task.ts';
import { factsOf } from './intake.ts';

let context: Context;
let answers: WorkspaceAnswers;
beforeEach(async () => {
  answers = new Map();
  context = await openContext(makeHome());
});

/** What becomes of a dropped text: null when it is refused, else its stage and whether it waits for a person. */
async function outcomeOf(text: string) {
  const bytes = Buffer.from(text);
  const parsed = parseTaskFile(bytes);
  if (!parsed.ok || (await checkTask(context, parsed.file, answers)).length > 0) return null;
  const { stage, gate } = factsOf(context, bytes, parsed.file, 'x.md');
  return { stage, gate };
}

type Place = (line: string, stage: string) => string;
const places: readonly Place[] = [
  (line, stage) => `workspace: project\nstage: ${stage}\n${line}\n\nsay hello\n`,
  (line, stage) => `${line}\nworkspace: project\nstage: ${stage}\n\nsay hello\n`,
  (line, stage) => `---\nworkspace: project\n${line}\nstage: ${stage}\n---\nsay hello\n`,
  (line, stage) => `workspace: project\r\nstage: ${stage}\r\n${line}\r\n\r\nsay hello\r\n`,
  (line, stage) => `workspace: project\rstage: ${stage}\r${line}\r\rsay hello\r`,
  (line, stage) => `\uFEFFworkspace: project\nstage: ${stage}\n${line}\n\nsay hello\n`,
  (line, stage) => `workspace: project\nstage: ${stage}\n\t${line}\n\nsay hello\n`,
  (line, stage) => `workspace: project # mine\nstage: ${stage} # mine\n${line} # mine\n\nsay hello\n`,
  (line, stage) => `workspace: project\nstage: ${stage}\nbudget:\n  ${line}\n\nsay hello\n`,
  (line, stage) => `workspace: project\nstage: ${stage}\n<<: {${line}}\n\nsay hello\n`,
  (line, stage) => `base: &b {${line}}\nworkspace: project\nstage: ${stage}\n<<: *b\n\nsay hello\n`,
  (line, stage) => `{workspace: project, stage: ${stage}, ${line}}\n\nsay hello\n`,
  // Where a person reads it, and a parser of keys does not.
  (line, stage) => `workspace: project\nstage: ${stage}\n\nsay hello\n\n${line}\n`,
  (line, stage) => `---\nworkspace: project\nstage: ${stage}\n---\n---\n${line}\n---\nsay hello\n`,
  (line, stage) => `workspace: project\nstage: ${stage}\n---\n${line}\n\nsay hello\n`,
  (line, stage) => `workspace: project\nstage: ${stage}\n...\n${line}\n\nsay hello\n`,
];

const keys = [
  'approval_required',
  '"approval_required"',
  "'approval_required'",
  'APPROVAL_REQUIRED',
  'Approval Required',
  'approval-required',
  'approvalRequired',
];
const truths = ['true', 'True', 'TRUE', '"true"', "'true'", 'yes', 'on', 'y', '1', 'tRue', '!!bool true', '!!str true'];
const untruths = [
  'false',
  'False',
  '"false"',
  'no',
  'No',
  'off',
  'n',
  '0',
  'null',
  '~',
  '',
  '[]',
  '{}',
  '!!bool "false"',
];
const colons = [': ', ' : ', '：', ':\t'];
const hiddenKeys = [
  'approval_required\u200b',
  '\u200bapproval_required',
  '\u0430pproval_required',
  'ap\u00adproval_required',
];

/** Every text of a product, and of how many of them the file was taken at all. */
async function tally(texts: readonly string[], isLower: (outcome: { stage: string; gate: boolean }) => boolean) {
  const lower: string[] = [];
  let taken = 0;
  for (const text of texts) {
    const outcome = await outcomeOf(text);
    if (outcome === null) continue;
    taken += 1;
    if (isLower(outcome)) lower.push(text);
  }
  return { lower, taken };
}

const asks = keys.flatMap((key) => truths.flatMap((value) => colons.map((colon) => `${key}${colon}${value}`)));

test('A05 of 5,376 files that ask for an approval in some spelling, none is taken without one', async () => {
  const texts = asks.flatMap((line) => places.map((place) => place(line, 'dev')));
  expect(texts).toHaveLength(5_376);
  const { lower, taken } = await tally(texts, ({ gate }) => !gate);
  expect(lower).toEqual([]);
  expect(taken).toBeGreaterThan(50);
}, 60_000);

test.each(['staging', 'prod'])(
  'A05 of 2,816 files that would be rid of the gate of %s, none is',
  async (stage) => {
    const lines = [...keys.slice(0, 7), ...hiddenKeys].flatMap((key) =>
      [...untruths, 'true', 'yes'].map((value) => `${key}: ${value}`),
    );
    const texts = lines.flatMap((line) => places.map((place) => place(line, stage)));
    expect(texts).toHaveLength(2_816);
    const { lower, taken } = await tally(texts, (outcome) => !outcome.gate || outcome.stage !== stage);
    expect(lower).toEqual([]);
    expect(taken).toBeGreaterThan(50);
  },
  60_000,
);

test.each(['staging', 'prod'])(
  'A05 a second stage beside %s is none, wherever it stands',
  async (stage) => {
    const lines = ['stage', '"stage"', 'Stage', 'STAGE', 'st\u0430ge', 'stage\u200b', '? stage\n'].flatMap((key) =>
      ['dev', '"dev"', 'Dev', '[dev]', '', 'null'].map((value) => `${key}: ${value}`),
    );
    const texts = lines.flatMap((line) => places.map((place) => place(line, stage)));
    expect(texts.length).toBeGreaterThan(600);
    const { lower } = await tally(texts, (outcome) => !outcome.gate || outcome.stage !== stage);
    expect(lower).toEqual([]);
  },
  60_000,
);

test.each(['dev', 'staging', 'prod'])('A05 %s has one spelling: all others are refused', async (stage) => {
  const capital = stage[0]?.toUpperCase() + stage.slice(1);
  const others = [
    ...[stage.toUpperCase(), capital, `"${stage} "`, `" ${stage}"`, `"${stage}\\n"`, `"${stage}\\0"`],
    ...[
      `${stage}\u200b`,
      `\u202e${stage}`,
      `${stage}.`,
      `${stage}s`,
      `[${stage}]`,
      `{a: ${stage}}`,
      `!!set {${stage}}`,
    ],
    ...['unknown', '""', '~', 'null', '0', 'true', '-', 'constructor', '__proto__', 'toString', '../dev'],
    ...[stage.replace('a', '\u0430').replace('o', '\u043e').replace('e', '\u0435'), stage.replace(/^./, '$&\u0301')],
  ];
  for (const other of others)
    expect(await outcomeOf(`workspace: project\nstage: ${other}\n\nsay hello\n`), JSON.stringify(other)).toBeNull();
  const own = await outcomeOf(`workspace: project\nstage: ${stage}\n\nsay hello\n`);
  expect(own).toEqual({ stage, gate: stage !== 'dev' });
});

test('A05 a file without a stage is of the first one, and a stage that is gone since demands a person', async () => {
  expect(await outcomeOf('workspace: project\n\nsay hello\n')).toEqual({ stage: 'dev', gate: false });
  const text = Buffer.from('workspace: project\nstage: removed-since\n\nsay hello\n');
  const parsed = parseTaskFile(text);
  expect(parsed.ok && factsOf(context, text, parsed.file, 'x.md').gate).toBe(true);
});
