/**
 * What lies at a place of the queue, next to what was accepted: its bytes; what a machine that lost power leaves of them; anything
 * else; nothing.
 */
export type Sight = 'accepted' | 'damaged' | 'other' | 'missing';

/** All that a rule may go by: what is on disk, never the clock or the order in which it is looked at. */
export type Facts = {
  /** Where the journal's last record has the file. */
  readonly target: Sight;
  /** Where the record before had it. What somebody dropped there meanwhile, and another task's file, count as missing. */
  readonly source: Sight;
  /** The accepted bytes lie in another folder of the queue, and no task has them there. */
  readonly elsewhere: boolean;
  /** `task.json` does not say what the journal says: the last change was not finished. */
  readonly unfinished: boolean;
  readonly ended: boolean;
};

type FileAction = 'leave' | 'move' | 'move-over' | 'move-beside' | 'fetch' | 'remove-source' | 'restore';
export type FileRule = {
  readonly name: string;
  readonly holds: (facts: Facts) => boolean;
  readonly action: FileAction;
};

/**
 * What becomes of a task's file when the runner starts: the first rule that holds. The journal's last record is the truth; bytes
 * that are not the accepted ones are somebody's and are never removed. Documented in docs/ARCHITECTURE.md, section 4.
 */
export const fileRules: readonly FileRule[] = [
  // Death between event and rename.
  { name: 'move', holds: ({ target, source }) => target === 'missing' && isWhole(source), action: 'move' },
  // A name whose bytes never reached the disk, and the file that it was to be.
  { name: 'move-over', holds: ({ target, source }) => target === 'damaged' && isWhole(source), action: 'move-over' },
  // A rename that a crash left half done: both names show the same bytes.
  {
    name: 'twice',
    holds: ({ target, source }) => target === 'accepted' && (source === 'accepted' || source === 'damaged'),
    action: 'remove-source',
  },
  // Somebody put a file where ours was to go, before it went.
  {
    name: 'taken',
    holds: ({ target, source, unfinished }) => target === 'other' && source === 'accepted' && unfinished,
    action: 'move-beside',
  },
  // The file is further than the journal: a restored backup. An ended task's file is the operator's to carry about.
  {
    name: 'ahead',
    holds: ({ target, elsewhere, ended }) => target === 'missing' && elsewhere && !ended,
    action: 'fetch',
  },
  // Zero bytes, a beginning, or NULs in their place, after power was lost.
  { name: 'damaged', holds: ({ target }) => target === 'damaged', action: 'restore' },
  // The directory entry is lost. Of a change that was finished, it is the operator who removed the file.
  {
    name: 'lost',
    holds: ({ target, source, unfinished }) => target === 'missing' && source !== 'other' && unfinished,
    action: 'restore',
  },
  { name: 'as it should be', holds: () => true, action: 'leave' },
];

/** The one rule for these facts. */
export function fileRule(facts: Facts): FileRule {
  const rule = fileRules.find(({ holds }) => holds(facts));
  if (rule === undefined) throw new Error('the last rule holds always');
  return rule;
}

function isWhole(sight: Sight): boolean {
  return sight === 'accepted' || sight === 'other';
}

/** Whole blocks of a file system: a file that was cut when power was lost ends at one. */
const blockBytes = 4096;

/**
 * Whether bytes are what lost power leaves of `accepted`: none, NULs in their place, or whole blocks of their beginning. What an
 * editor leaves is none of these.
 */
export function isDamaged(bytes: Uint8Array, accepted: Uint8Array): boolean {
  if (bytes.length === 0) return accepted.length > 0;
  const first = bytes.indexOf(0);
  const begins = (length: number) => Buffer.compare(bytes.subarray(0, length), accepted.subarray(0, length)) === 0;
  if (first >= 0)
    return bytes.length <= accepted.length && begins(first) && bytes.subarray(first).every((byte) => byte === 0);
  return bytes.length < accepted.length && bytes.length % blockBytes === 0 && begins(bytes.length);
}
