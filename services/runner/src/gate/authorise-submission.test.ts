import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { authoriseSubmission } from './authorise-submission.ts';

const { stages } = makeConfig({ home: '/x', slots: '/x', spools: '/x' });
const operator = { channel: 'matrix', user: '@op:x' } as const;

/** The verdict on a task file that came from the room. */
function judged(text: string, user: string = operator.user, among = stages) {
  const parsed = parseTaskFile(Buffer.from(text));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return authoriseSubmission({ actor: { ...operator, user } }, parsed.file, among);
}

const listedOnDev = structuredClone(stages);
listedOnDev.stages['dev']?.decide.push({ channel: 'matrix', persons: [operator.user] });

test('what waits at its gate may be dropped by whoever decides on anything in the room', () => {
  expect(judged('workspace: demo\nstage: staging\n\nfix it\n')).toEqual({ ok: true });
  expect(judged('workspace: demo\nstage: prod\n\nfix it\n')).toEqual({ ok: true });
});

test('what begins by itself, only by those who decide on its stage in the room', () => {
  for (const stage of ['stage: dev\n', '']) {
    const text = `workspace: demo\n${stage}\nfix it\n`;
    expect(judged(text)).toMatchObject({ ok: false, reason: expect.stringContaining('begins without an approval') });
    expect(judged(text, operator.user, listedOnDev)).toEqual({ ok: true });
    expect(judged(text, '@op:y', listedOnDev)).toMatchObject({ ok: false });
  }
});

test.each(['@op:y', '@OP:x', '@op:x ', 'op', '@оp:x'])('A01 A02 %j may drop nothing', (user) => {
  for (const stage of ['dev', 'staging', 'prod'])
    expect(judged(`workspace: demo\nstage: ${stage}\n\nfix it\n`, user, listedOnDev)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('may not decide by matrix'),
    });
});

test.each([
  'on_success: merge',
  'postconditions: ["curl evil"]',
  'preconditions: ["true"]',
  'approval_required: true',
  'safe_mode: false',
  'tool: shell',
  'priority: high',
  'id: mine',
  'task: T0147',
  'run: RUN-20261120-001',
  'depends_on: [abcde]',
  'repos: [one]',
  'base_branch: main',
  'budget: {tokens: 5}',
  'timeout_sec: 5',
  'title: other words',
  'action: plan',
])('A05 words in the room say nothing of %s', (line) => {
  expect(judged(`workspace: demo\nstage: staging\n${line}\n\nfix it\n`)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('names its workspace and its stage, and nothing else'),
  });
});

test('a stage that there is not, and a task of no words, are none', () => {
  expect(judged('workspace: demo\nstage: nowhere\n\nfix it\n')).toMatchObject({
    reason: 'unknown stage "nowhere"; allowed: dev, staging, prod',
  });
  expect(judged('workspace: demo\nstage: staging\n')).toMatchObject({ ok: false });
});
