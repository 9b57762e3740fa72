import { expect, test } from 'vitest';
import { describeCheck, describeVerification } from './verification-words.ts';

const check = { command: 'npm test', exit_code: 0, duration_ms: 3_210 };

test.each([
  [{ status: 'unverified' as const }, 'unverified: no postcondition was checked'],
  [{ status: 'verified' as const, checks: [check] }, 'verified: 1 of 1 postcondition holds'],
  [{ status: 'failed' as const, checks: [check, { ...check, exit_code: null }] }, 'failed: 1 of 2 postconditions hold'],
])('how a result stands is told from exit codes alone: %j', (verification, expected) => {
  expect(describeVerification(verification)).toBe(expected);
});

test.each([
  [0, '✓ exit code 0, 3.2 s: npm test'],
  [2, '✗ exit code 2, 3.2 s: npm test'],
  [null, '✗ did not end, 3.2 s: npm test'],
])('how a condition ended with %j', (exit_code, expected) => {
  expect(describeCheck({ ...check, exit_code })).toBe(expected);
});
