import type { TaskRow } from '@countersign/contracts/page-api.ts';

export type Tone = 'quiet' | 'work' | 'ask' | 'good' | 'bad' | 'warn';
/** What tells states apart without colour. */
export type Shape =
  | 'ring'
  | 'pulse'
  | 'diamond'
  | 'square'
  | 'check'
  | 'cross'
  | 'slash'
  | 'pause'
  | 'clock'
  | 'question';

type Words = { readonly word: string; readonly tone: Tone; readonly shape: Shape };

/** How a task's state is said and shown. */
export const statusWords: Readonly<Record<TaskRow['status'], Words>> = {
  'waiting-for-runner': { word: 'Not taken yet', tone: 'quiet', shape: 'clock' },
  queued: { word: 'Queued', tone: 'quiet', shape: 'ring' },
  planning: { word: 'Planning', tone: 'work', shape: 'pulse' },
  pending: { word: 'Needs approval', tone: 'ask', shape: 'diamond' },
  approved: { word: 'Approved', tone: 'quiet', shape: 'ring' },
  running: { word: 'Running', tone: 'work', shape: 'pulse' },
  verifying: { word: 'Verifying', tone: 'work', shape: 'pulse' },
  review: { word: 'Needs review', tone: 'ask', shape: 'square' },
  rebasing: { word: 'Rebasing', tone: 'work', shape: 'pulse' },
  merging: { word: 'Merging', tone: 'work', shape: 'pulse' },
  interrupted: { word: 'Interrupted', tone: 'warn', shape: 'pause' },
  done: { word: 'Done', tone: 'good', shape: 'check' },
  failed: { word: 'Failed', tone: 'bad', shape: 'cross' },
  cancelled: { word: 'Cancelled', tone: 'quiet', shape: 'slash' },
  invalid: { word: 'Invalid', tone: 'bad', shape: 'cross' },
  rejected: { word: 'Rejected', tone: 'quiet', shape: 'slash' },
  expired: { word: 'Expired', tone: 'warn', shape: 'clock' },
};

/** The same of one at work whose tool waits for a person's words. */
export const askingWords: Words = { word: 'Asks you', tone: 'ask', shape: 'question' };

/** The same of one whose work is being stopped. */
export const cancellingWords: Words = { word: 'Being cancelled', tone: 'warn', shape: 'slash' };

/** How a service's state is said and shown. */
export const serviceWords: Readonly<Record<'ok' | 'waiting' | 'failing' | 'silent', Words>> = {
  ok: { word: 'OK', tone: 'good', shape: 'check' },
  waiting: { word: 'Waiting', tone: 'warn', shape: 'pause' },
  failing: { word: 'Failing', tone: 'bad', shape: 'cross' },
  silent: { word: 'Silent', tone: 'quiet', shape: 'slash' },
};

/** How it is said and shown whether anything gets out of a sandbox. */
export const confinementStates: Readonly<Record<'confined' | 'leaks' | 'untried', Words>> = {
  confined: { word: 'Confined', tone: 'good', shape: 'check' },
  leaks: { word: 'Leaks', tone: 'bad', shape: 'cross' },
  untried: { word: 'Not tried', tone: 'warn', shape: 'pause' },
};

/** `model_context_too_small` as words. */
export function spaced(name: string): string {
  return name.replaceAll(/[_-]/g, ' ');
}

export function sentenceCase(name: string): string {
  const words = spaced(name);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
