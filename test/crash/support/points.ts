import type { Fate, Fates, Moment } from './life.ts';
import { keyOf, type Step } from './step.ts';

/** One place of a scenario, and what happens there. */
export type Point = { readonly key: string; readonly fate: Fate };

const torn: ReadonlySet<string> = new Set(['writeFile', 'appendFile', 'write', 'rm', 'spawn']);

/** Before and after each step that changes something, and in the middle of those that have one. */
export function deathsAt(steps: readonly Step[]): Point[] {
  return distinct(steps.filter(({ changes }) => changes)).flatMap((step) => {
    const moments: readonly Moment[] = torn.has(step.name) ? ['before', 'torn', 'after'] : ['before', 'after'];
    return moments.map((moment) => ({ key: keyOf(step), fate: { kind: 'death' as const, moment } }));
  });
}

/** Told to stop at each step that changes something. */
export function stopsAt(steps: readonly Step[]): Point[] {
  return distinct(steps.filter(({ changes }) => changes)).map((step) => ({ key: keyOf(step), fate: { kind: 'stop' } }));
}

function distinct(steps: readonly Step[]): Step[] {
  return [...new Map(steps.map((step) => [keyOf(step), step])).values()];
}

/** Lets a point happen, once. */
export function fatesOf(point: Point): Fates & { readonly happened: boolean } {
  let happened = false;
  const fates = (step: Step) => {
    if (happened || keyOf(step) !== point.key) return null;
    happened = true;
    return point.fate;
  };
  return Object.defineProperty(fates, 'happened', { get: () => happened }) as typeof fates & { happened: boolean };
}

const full = ['ENOSPC', 'EDQUOT', 'EROFS'];
/** What the system may answer to each call, one after the other for calls of a kind. */
const answers: Readonly<Record<string, readonly string[]>> = {
  create: [...full, 'EMFILE', 'EIO'],
  open: ['EMFILE', 'ENFILE', 'EIO'],
  write: [...full, 'EIO', 'short'],
  writeFile: [...full, 'EIO'],
  appendFile: [...full, 'EIO'],
  copyFile: full,
  sync: ['EIO', 'ENOSPC'],
  datasync: ['EIO', 'ENOSPC'],
  truncate: ['EIO'],
  rename: ['EIO', ...full],
  link: ['EIO', 'ENOSPC'],
  symlink: ['ENOSPC'],
  unlink: ['EIO', 'EROFS'],
  rm: ['EIO'],
  mkdir: [...full, 'EIO'],
  utimes: ['EROFS'],
  read: ['EIO', 'short'],
  readFile: ['EIO', 'EMFILE'],
  readdir: ['EIO', 'EMFILE'],
  opendir: ['EMFILE', 'EIO'],
  lstat: ['EIO'],
  close: ['EIO'],
  spawn: ['EAGAIN', 'EMFILE'],
};

/** An error of each step that may have one. Which one, goes round among those of its kind. */
export function errorsAt(steps: readonly Step[]): Point[] {
  const counts = new Map<string, number>();
  return distinct(steps.filter(({ ordinal }) => ordinal <= 3)).flatMap((step): Point[] => {
    const known = answers[step.name] ?? [];
    const count = counts.get(step.name) ?? 0;
    counts.set(step.name, count + 1);
    const code = known[count % known.length];
    if (code === undefined) return [];
    return [{ key: keyOf(step), fate: code === 'short' ? { kind: 'short' } : { kind: 'error', code } }];
  });
}

/** A death at a runner's so-and-so-many-th change of the disk. */
export function deathAtStep(number: number, moment: Moment): Fates {
  let reached = 0;
  return (step) => {
    if (step.changes) reached += 1;
    return step.changes && reached === number ? { kind: 'death', moment } : null;
  };
}

/** A point as it is printed, and as `COUNTERSIGN_CRASH_POINT` takes it. */
export function nameOf({ key, fate }: Point): string {
  const what = fate.kind === 'death' ? fate.moment : fate.kind === 'error' ? fate.code : fate.kind;
  return `${what} ${key}`;
}
