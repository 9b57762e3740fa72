import { CliError } from './failure.ts';

/** Shorter prefixes are too easily those of something else. */
const prefix = /^[0-9a-f]{8,64}$/;

/**
 * Checks the digest that a person typed against the one that is shown now.
 * @throws CliError when it is none, or another one's
 */
export function checkDigest(typed: string | undefined, digest: string, task: string): void {
  const expected = typed?.toLowerCase();
  if (expected === undefined) return;
  if (!prefix.test(expected))
    throw new CliError('usage', '--digest takes the digest that show prints, or its first 8 characters or more');
  if (!digest.startsWith(expected))
    throw new CliError('refused', `${task} has another digest now: ${digest}. Look again: countersign show ${task}`);
}
