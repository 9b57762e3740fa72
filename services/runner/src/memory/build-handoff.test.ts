import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { describe, expect, test } from 'vitest';
import { makeRecord, since, states } from '../testing/record.ts';
import { parseAgentHandoff } from './agent-handoff.ts';
import { buildHandoff, type HandoffFacts } from './build-handoff.ts';
import { formatHandoff, parseHandoff } from './handoff-text.ts';

const failed = { status: 'failed' as const, checks: [{ command: 'npm test', exit_code: 1, duration_ms: 3_240 }] };
const verified = { status: 'verified' as const, checks: [{ command: 'npm test', exit_code: 0, duration_ms: 3_240 }] };
const unverified = { status: 'unverified' as const };

function resultOf(verification: Result['verification']): Result {
  const repository = {
    name: 'web',
    branch: 'main',
    base_head: 'a'.repeat(40),
    head: 'b'.repeat(40),
    ref: 'refs/agentic/RUN-20261120-001/abcde',
    files: 3,
    insertions: 10,
    deletions: 2,
    flags: ['hooks'],
  };
  return { attempt: 1, repositories: [repository], digest: 'd'.repeat(64), verification };
}

function factsOf(state: TaskRecord['state'], changes: Partial<HandoffFacts> = {}): HandoffFacts {
  const bases = ['web', 'api'].map((repository) => ({ repository, branch: 'main', head: 'a'.repeat(40) }));
  const result = 'result' in state ? state.result : null;
  return {
    record: makeRecord({ memory_task: 'T0147', bases, state }),
    attempt: 1,
    endedAt: since,
    result,
    changedFiles: new Map([['web', ['src/a.ts', 'src/\u001b[2Jb.ts']]]),
    verification: result?.verification ?? unverified,
    preconditions: [],
    model: 'small',
    tokens: { prompt: 1, completion: 2, requests: 3 },
    durationMs: 1_000,
    prompts: { run: 'e'.repeat(64) },
    agentText: null,
    ...changes,
  };
}

const review = (verification: Result['verification']): TaskRecord['state'] => ({
  status: 'review',
  wait: null,
  since,
  reason: 'waits',
  result: resultOf(verification),
  refusals: [],
});

test('the facts of a change: what, where, what was checked, what comes next', () => {
  const handoff = buildHandoff(
    factsOf(review(verified), { preconditions: [{ command: 'make', exit_code: 0, duration_ms: 100 }] }),
  );
  expect(handoff).toMatchObject({
    what: 'Made a change that waits for review: web: 3 files, +10 -2.',
    evidence: {
      changed: ['web: 3 files, +10 -2 (src/a.ts, src/\\u{1b}[2Jb.ts, ...)', 'web: deserves eyes: hooks'],
      validation: ['before the work, make: passed in 0.1 s', 'npm test: passed in 3.2 s'],
    },
    blocker: 'none',
    next: 'Review the saved diff dddddddd, then approve its merge (countersign merge abcde) or close it (countersign reject abcde).',
    agent: null,
  });
  expect(handoff.repositories.map(({ name, head }) => [name, head])).toEqual([
    ['web', 'b'.repeat(40)],
    ['api', null],
  ]);
});

describe('every end has its sentences', () => {
  const merged = {
    command: 'c',
    digest: 'd'.repeat(64),
    channel: 'shell',
    user: 'op',
    evidence: 'argv',
    decided_at: since,
    unverified: false,
  } as const;
  const ends: [string, TaskRecord['state'], Partial<HandoffFacts>, RegExp, RegExp, RegExp][] = [
    ['unverified', review(unverified), {}, /waits for review/, /No postcondition was checked/, /countersign merge/],
    [
      'failed conditions',
      {
        status: 'failed',
        since,
        reason: '"npm test" ended with exit code 1',
        error_class: 'postcondition_failed',
        result: resultOf(failed),
      },
      {},
      /postcondition_failed.*is kept: web: 3 files/,
      /"npm test" ended with exit code 1/,
      /saved diff/,
    ],
    [
      'a time limit',
      { status: 'failed', since, reason: 'stopped after 600 s', error_class: 'timeout', result: null },
      {},
      /Failed \(timeout\)/,
      /stopped after 600 s/,
      /timeout_sec/,
    ],
    [
      'done without a change',
      { status: 'done', since, reason: 'x', result: null, merged: null, verification: unverified },
      {},
      /Ended without a change/,
      /^none$/,
      /Nothing is left/,
    ],
    [
      'merged',
      { status: 'done', since, reason: 'x', result: resultOf(verified), merged, verification: verified },
      {},
      /Merged into main, approved by op \(shell\)/,
      /^none$/,
      /Nothing is left/,
    ],
    [
      'cancelled',
      { status: 'cancelled', since, reason: 'the file was removed' },
      {},
      /Cancelled/,
      /the file was removed/,
      /countersign retry/,
    ],
    ['rejected', { status: 'rejected', since, reason: 'not like this' }, {}, /Rejected/, /not like this/, /objected/],
    ['expired', { status: 'expired', since, reason: 'no decision' }, {}, /Expired/, /no decision/, /countersign retry/],
    [
      'interrupted',
      { status: 'interrupted', wait: null, since, reason: 'the sandbox was lost', attempt: 1, approval: null },
      {},
      /Interrupted/,
      /sandbox was lost/,
      /one new attempt/,
    ],
  ];
  test.each(ends)('%s', (_name, state, changes, what, blocker, next) => {
    const handoff = buildHandoff(factsOf(state, changes));
    expect(handoff.what).toMatch(what);
    expect(handoff.blocker).toMatch(blocker);
    expect(handoff.next).toMatch(next);
    expect(parseHandoff(Buffer.from(formatHandoff(handoff)))).toEqual(handoff);
  });

  test.each(Object.values(states).map((state) => [state.status, state] as const))('%s has some', (_status, state) => {
    const result = 'result' in state ? resultOf(verified) : null;
    const whole = {
      ...state,
      ...('result' in state ? { result, refusals: [], merged: null, verification: verified } : {}),
    };
    const { what, blocker, next } = buildHandoff(factsOf(whole as TaskRecord['state']));
    expect([what, blocker, next].every((sentence) => sentence.length > 3)).toBe(true);
  });
});

test('a thousand files and conditions fit, cut and said', () => {
  const checks = Array.from({ length: 50 }, () => ({ command: 'x'.repeat(1_000), exit_code: 1, duration_ms: 1 }));
  const state = review({ status: 'failed', checks });
  const files = Array.from({ length: 1_000 }, () => '\u202e'.repeat(200));
  const handoff = buildHandoff(factsOf(state, { changedFiles: new Map([['web', files]]), preconditions: checks }));
  expect(handoff.evidence.validation).toHaveLength(50);
  expect(handoff.evidence.validation.at(-1)).toBe('and 51 more');
  expect(handoff.evidence.validation[49 - 1]).toMatch(/failed with exit code 1/);
});

describe('the agent’s own words', () => {
  test('are kept, inert, and apart', () => {
    const text =
      'what: "did \\e[2J it"\nevidence:\n  changed: [a, "b\\u202e"]\nblocker: none\nnext: review\nstatus: done\n';
    const handoff = buildHandoff(factsOf(review(verified), { agentText: text }));
    expect(handoff.agent).toEqual({
      what: 'did \\u{1b}[2J it',
      evidence: { changed: ['a', 'b\\u{202e}'] },
      blocker: 'none',
      next: 'review',
    });
  });

  test.each([
    ['prose', 'I did it.'],
    ['nothing', ''],
    ['a list', '- a'],
    ['aliases', 'what: &a x\nnext: *a\n'],
    ['a directive', '%YAML 1.1\n---\nwhat: x\n'],
    ['nesting', `what: ${'['.repeat(100_000)}`],
    ['too much', `what: ${'x'.repeat(70_000)}`],
    ['another type', 'what: [x]\n'],
    ['more lines than may be', `evidence: {changed: [${'x,'.repeat(60)}]}\n`],
    ['nothing but brackets', `what: [x\n${'}'.repeat(60_000)}`],
  ])('S059 that cannot be read are none: %s', (_name, text) => {
    expect(parseAgentHandoff(text)).toBeNull();
  });

  test('what grows when it is spelt out is cut', () => {
    const said = parseAgentHandoff(`what: "${'\\u202e'.repeat(4_000)}"\n`);
    expect(said?.what).toHaveLength(4_000);
    expect(said?.what?.endsWith('[...]')).toBe(true);
  });

  test('S085 whatever it wrote, no fact changes, and the file reads back', () => {
    const facts = factsOf(review(verified));
    const { agent: _none, ...expected } = buildHandoff(facts);
    const random = randomOf(20_261_120);
    const keys = [
      'what',
      'evidence',
      'changed',
      'validation',
      'blocker',
      'next',
      'status',
      'task',
      'diff',
      'agent',
      '__proto__',
      'constructor',
      'version',
    ];
    const pieces = [
      ': ',
      '\n',
      '  ',
      '- ',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '|\n',
      '>\n',
      '---\n',
      '...\n',
      '#',
      '%',
      '\u001b[2J',
      '\u202e',
      '\ud800',
      '\0',
      '\r',
      'done',
      'verified',
      '!!js x',
      '0x10',
      '<<',
    ];
    let read = 0;
    for (let round = 0; round < 500; round += 1) {
      const hostile = Array.from({ length: random(12) }, () => pick([...pieces, ...keys], random)).join('');
      const text =
        round % 3 === 0
          ? hostile
          : `what: ${JSON.stringify(hostile)}\n${pick(keys, random)}: ${JSON.stringify(hostile)}\n`;
      const { agent, ...found } = buildHandoff({ ...facts, agentText: text });
      expect(found).toEqual(expected);
      const handoff = { ...found, agent };
      expect(parseHandoff(Buffer.from(formatHandoff(handoff)))).toEqual(handoff);
      if (agent !== null) read += 1;
    }
    // Most were readable: the property is not one of refusals alone.
    expect(read).toBeGreaterThan(150);
  });
});

/** Whole numbers below a limit, the same ones every time. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function pick<T>(values: readonly T[], random: (limit: number) => number): T {
  return values[random(values.length)] as T;
}
