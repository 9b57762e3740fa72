import type { Verification } from '@countersign/contracts/condition.ts';

/** How a result stands, in one line for people: from exit codes alone. */
export function describeVerification(verification: Verification): string {
  if (verification.status === 'unverified') return 'unverified: no postcondition was checked';
  const held = verification.checks.filter(({ exit_code }) => exit_code === 0).length;
  const all = verification.checks.length;
  return `${verification.status}: ${held} of ${all} ${all === 1 ? 'postcondition holds' : 'postconditions hold'}`;
}

/** How one condition ended. The command is the task file's text, and comes as it is. */
export function describeCheck({
  command,
  exit_code,
  duration_ms,
}: (Verification & { status: 'verified' })['checks'][number]): string {
  const how = exit_code === null ? 'did not end' : `exit code ${exit_code}`;
  return `${exit_code === 0 ? '✓' : '✗'} ${how}, ${(duration_ms / 1_000).toFixed(1)} s: ${command}`;
}
