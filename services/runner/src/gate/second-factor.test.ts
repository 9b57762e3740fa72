import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeLimits } from '@countersign/contracts/limits.ts';
import { codeSeedFile } from '@countersign/contracts/one-time-code.ts';
import { describe, expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { codeAt, testSeed } from '../testing/one-time-code.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { type FoundSeed, isCodeMissing, readCodeSeed } from './code-seed.ts';
import { SecondFactor } from './second-factor.ts';

const start = Date.parse('2026-11-20T10:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1_000);
const enrolled: FoundSeed = { status: 'enrolled', seed: testSeed };
const judge = (factor: SecondFactor, code: string | undefined, command: string, seconds = 0) =>
  factor.judge(code, command, enrolled, at(seconds));
/** One that is not the code of this or of a neighbouring moment. */
const wrongAt = (seconds: number) => {
  const right = [-30, 0, 30].map((off) => codeAt(at(seconds + off)));
  return ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code)) ?? '';
};

test('the codes are those of RFC 6238, appendix B', () => {
  const factor = new SecondFactor();
  // The RFC's seed "12345678901234567890"; the last six of its eight digits.
  const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
  ] as const)
    expect(factor.judge(code, `c${seconds}`, { status: 'enrolled', seed }, new Date(seconds * 1_000))).toMatchObject({
      ok: true,
      fact: { code: 'good', step: Math.floor(seconds / 30) },
    });
});

test.each([
  [-31, false],
  [-30, true],
  [0, true],
  [30, true],
  [60, false],
])('W15 a code of %i s from now counts: %s', (offset, ok) => {
  expect(judge(new SecondFactor(), codeAt(at(offset)), 'one').ok).toBe(ok);
});

test.each([
  [0, true],
  [89, true],
  [90, false],
  [3_600, false],
])('W15 a code that was sent %i s ago is looked at: %s; one that is not is no guess', (age, isLookedAt) => {
  const factor = new SecondFactor();
  const sent = at(-age);
  const verdict = factor.judge(wrongAt(0), 'one', enrolled, at(0), sent);
  expect(verdict).toMatchObject({ ok: false, fact: isLookedAt ? { code: 'wrong' } : null });
  // Nor would it have been right, had its sender’s clock gone as far ahead as a code may be.
  if (!isLookedAt) expect(judge(factor, codeAt(at(30 - age)), 'two').ok).toBe(false);
});

describe('W15 a code counts once', () => {
  test('for one command, and for no other, however soon', () => {
    const factor = new SecondFactor();
    const code = codeAt(at(0));
    expect(judge(factor, code, 'one').ok).toBe(true);
    expect(judge(factor, code, 'two')).toMatchObject({ ok: false, reason: expect.stringMatching(/used already/) });
    expect(judge(factor, code, 'one')).toMatchObject({ ok: true, fact: { code: 'good', step: start / 30_000 } });
    expect(judge(factor, codeAt(at(30)), 'two', 30).ok).toBe(true);
  });

  test('and is not looked at again where its verdict could not be written down at once', () => {
    const factor = new SecondFactor();
    judge(factor, codeAt(at(0)), 'one');
    expect(judge(factor, codeAt(at(0)), 'one', 3_600)).toMatchObject({ ok: true, fact: { code: 'good' } });
    expect(judge(factor, codeAt(at(3_600)), 'two', 3_600).ok).toBe(true);
  });

  test('and none from before it counts any more', () => {
    const factor = new SecondFactor();
    expect(judge(factor, codeAt(at(30)), 'one').ok).toBe(true);
    expect(judge(factor, codeAt(at(0)), 'two')).toMatchObject({ ok: false, fact: null });
  });

  test('also in the eyes of the next runner', () => {
    const [before, after] = [new SecondFactor(), new SecondFactor()];
    const code = codeAt(at(0));
    const verdict = judge(before, code, 'one');
    if (!verdict.ok || verdict.fact === null) throw new Error('it was right');
    after.recall('one', verdict.fact);
    expect(judge(after, code, 'two').ok).toBe(false);
    expect(judge(after, code, 'one').ok).toBe(true);
  });
});

describe('W15 guessing', () => {
  const guess = (factor: SecondFactor, times: number, seconds = 0) =>
    Array.from({ length: times }, (_, index) => judge(factor, wrongAt(seconds), `guess-${seconds}-${index}`, seconds));

  test('is over after five wrong codes, for right ones too, and goes on after an hour', () => {
    const factor = new SecondFactor();
    for (const verdict of guess(factor, codeLimits.wrongCodes))
      expect(verdict).toMatchObject({ ok: false, fact: { code: 'wrong', at: at(0).toISOString() } });
    expect(judge(factor, codeAt(at(1)), 'right', 1)).toEqual({
      ok: false,
      reason:
        "there were too many wrong codes: none is looked at before 2026-11-20T11:00:00.000Z; from the machine's own shell it goes on",
      fact: null,
    });
    expect(judge(factor, codeAt(at(3_599)), 'right', 3_599).ok).toBe(false);
    expect(judge(factor, codeAt(at(3_600)), 'right', 3_600).ok).toBe(true);
  });

  test('counts what lies within ten minutes', () => {
    const factor = new SecondFactor();
    guess(factor, 4);
    guess(factor, 4, 600);
    expect(judge(factor, codeAt(at(601)), 'right', 601).ok).toBe(true);
    guess(factor, 1, 602);
    expect(judge(factor, codeAt(at(660)), 'other', 660).ok).toBe(false);
  });

  test('counts a command once, however often it is judged', () => {
    const factor = new SecondFactor();
    for (let times = 0; times < 20; times += 1) judge(factor, wrongAt(0), 'same');
    expect(judge(factor, codeAt(at(0)), 'right').ok).toBe(true);
  });

  test('stays over when the runner is started anew', () => {
    const [before, after] = [new SecondFactor(), new SecondFactor()];
    for (const [index, { fact }] of guess(before, codeLimits.wrongCodes).entries())
      if (fact !== null) after.recall(`guess-0-${index}`, fact);
    expect(judge(after, codeAt(at(5)), 'right', 5)).toMatchObject({ ok: false, fact: null });
  });
});

test('what is missing is told and counts as no guess', () => {
  const factor = new SecondFactor();
  for (let times = 0; times < 10; times += 1) {
    expect(judge(factor, undefined, `c${times}`)).toMatchObject({ ok: false, fact: null });
    for (const status of ['missing', 'unusable'] as const)
      expect(factor.judge(codeAt(at(0)), `d${times}`, { status }, at(0))).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/enrol-code/),
        fact: null,
      });
  }
  expect(judge(factor, codeAt(at(0)), 'right').ok).toBe(true);
});

test('the seed is read as it lies there now', async () => {
  const secrets = scratchFolder();
  expect(await readCodeSeed(secrets)).toEqual({ status: 'missing' });
  const path = join(secrets, codeSeedFile);
  writeFileSync(path, `${testSeed}\n`);
  expect(await readCodeSeed(secrets)).toEqual(enrolled);
  for (const damaged of ['', 'abc', `${testSeed}A`, testSeed.toLowerCase()]) {
    writeFileSync(path, damaged);
    expect(await readCodeSeed(secrets)).toEqual({ status: 'unusable' });
  }
  const folder = scratchFolder();
  mkdirSync(join(folder, codeSeedFile));
  expect(await readCodeSeed(folder)).toEqual({ status: 'unusable' });
});

test('a code is missed only where somebody may be asked for it', async () => {
  const secrets = scratchFolder();
  const { stages } = makeConfig({ home: '', slots: '', spools: '' });
  const prod = stages.stages['prod'];
  if (prod === undefined) throw new Error('there is a stage prod');
  const shellOnly = { ...stages, stages: { prod: { ...prod, decide: [{ channel: 'shell' as const }] } } };
  expect(await isCodeMissing(stages, secrets)).toBe(true);
  expect(await isCodeMissing(shellOnly, secrets)).toBe(false);
  expect(await isCodeMissing({ ...stages, stages: {} }, secrets)).toBe(false);
  writeFileSync(join(secrets, codeSeedFile), testSeed);
  expect(await isCodeMissing(stages, secrets)).toBe(false);
});
