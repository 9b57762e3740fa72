import type { Wait, WaitKind } from './wait.ts';

/** So many of those that a task waits for are named; the others are counted. */
const named = 5;

/** What is waited for, without and with the names that `on` holds. */
const things = {
  turn: ['its turn', null],
  slot: ['a slot', null],
  workspace: ['its workspace', 'workspace'],
  model_slot: ['a slot of the model', 'a slot of model'],
  stage: ['a slot of its stage', 'a slot of stage'],
  approval: ['approval', 'approval by'],
  review: ['review', 'review by'],
  answer: ['an answer', 'an answer by'],
  dependency: ['other tasks', 'task'],
  model: ['the model server', 'the server of model'],
  launcher: ['the launcher', null],
  profile: ['its sandbox profile', 'sandbox profile'],
  disk: ['room on the disk', null],
  paused: ['the queue, which is paused', 'the queue, which is paused by'],
  breaker: ['its breaker, which is open', 'the breaker of'],
  retry: ['another try', null],
} as const satisfies Record<WaitKind, readonly [string, string | null]>;

/**
 * What a task waits for, as few words: `workspace demo`, `task abcde and fghij`, `room on the disk`. Pure.
 * @param wait of a breaker `on` holds its workspace and its tool, of a pause who paused the queue
 */
export function waitedFor(wait: Pick<Wait, 'kind' | 'on'>): string {
  const { kind, on } = wait;
  const [unnamed, withNames] = things[kind];
  const [workspace, tool] = on;
  if (kind === 'breaker' && tool !== undefined) return `${withNames} ${tool} in ${workspace}`;
  return on.length === 0 || withNames === null ? unnamed : `${withNames} ${listed(on)}`;
}

/**
 * The one sentence of a wait, which the events, `countersign status` and the room have in common. Words that say already what is
 * waited for stay as they are. Pure; names and `because` come as they are, and whoever shows them makes them inert.
 * @param because what more there is to say: why, and what mends it
 */
export function waitWords(wait: Pick<Wait, 'kind' | 'on'>, because = ''): string {
  const sentence = `waits for ${waitedFor(wait)}`;
  if (because === '') return sentence;
  return /\bwaits for /.test(because) ? because : `${sentence}: ${because}`;
}

const heldUp: ReadonlySet<WaitKind> = new Set([
  'dependency',
  'model',
  'launcher',
  'profile',
  'disk',
  'paused',
  'breaker',
]);

/** Whether something is in the way that may have to be mended: more than other work that goes first, or a person's word. */
export function isHeldUp({ kind }: Pick<Wait, 'kind'>): boolean {
  return heldUp.has(kind);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, named);
  const left = names.length - shown.length;
  const last = left > 0 ? `${left} more` : shown.pop();
  return shown.length === 0 ? `${last}` : `${shown.join(', ')} and ${last}`;
}
