import { z } from 'zod';

/** A branch, or several: `*` stands for any characters, `/` included, so that `*` alone is every branch. */
export const BranchPattern = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_*][A-Za-z0-9._/*-]*$/, 'a branch, with * for any characters');

/** Whether a branch is one of those that the patterns name. Case counts not: on some file systems `Main` is `main`. */
export function isNamed(branch: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const expression = pattern
      .split('*')
      .map((part) => part.replace(/[.\\/-]/g, '\\$&'))
      .join('.*');
    return new RegExp(`^${expression}$`, 'is').test(branch);
  });
}
