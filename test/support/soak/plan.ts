import { RandomSource } from '@countersign/gateway/src/random-source.ts';

/** What comes of a task when nobody is in its way; the operator of the soak goes by it. */
export type PlannedTask = {
  readonly file: string;
  readonly id: string;
  readonly workspace: string;
  readonly atMs: number;
  readonly kind: TaskKind;
  readonly content: string;
  /** What the operator says when asked before the work, and of its result. */
  readonly verdict: 'take' | 'refuse';
  /** One more attempt is asked for when it has ended without success. */
  readonly retried: boolean;
};
export type Interference =
  | { readonly atMs: number; readonly kind: 'kill'; readonly target: Target; readonly process: 'own' | 'init' }
  | { readonly atMs: number; readonly kind: 'kill-sandbox'; readonly choice: number }
  | { readonly atMs: number; readonly kind: 'cancel' | 'withdraw'; readonly file: string }
  | { readonly atMs: number; readonly kind: 'pause'; readonly forMs: number };
export type SoakPlan = { readonly tasks: readonly PlannedTask[]; readonly interferences: readonly Interference[] };

export const targets = ['runner', 'launcher', 'gateway', 'matrix-listener', 'synapse', 'rehearsal-model'] as const;
export type Target = (typeof targets)[number];

export const workspaces = ['north', 'south', 'east', 'west'] as const;
/** Results go into this branch by themselves. */
export const openBranch = 'topic';

/** Where more than one line stands for a kind, it comes more often. */
const kinds = [
  'plain',
  'verified',
  'verified',
  'gated',
  'gated',
  'automatic',
  'automatic',
  'checked',
  'slow',
  'dependent',
  'dependent',
  'planned',
  'broken-tool',
  'broken-condition',
  'late',
  'invalid',
] as const;
export type TaskKind = (typeof kinds)[number];

const between = (random: RandomSource, least: number, most: number) =>
  Math.round(least + random.number() * (most - least));

/** The same plan for the same seed and length: what is dropped when, what is killed when, and what the operator says. */
export function planSoak(seed: number, lengthMs: number, pace: { taskMs: number; killMs: number }): SoakPlan {
  const random = new RandomSource(seed);
  const tasks: PlannedTask[] = [];
  for (let atMs = 0; atMs < lengthMs; atMs += between(random, pace.taskMs / 2, pace.taskMs * 1.5))
    tasks.push(planTask(random, tasks, atMs));
  const interferences: Interference[] = [];
  // The first few tasks are at work when the first kill comes.
  for (let atMs = pace.killMs; atMs < lengthMs; atMs += between(random, pace.killMs / 2, pace.killMs * 1.5))
    interferences.push(planKill(random, atMs));
  for (const { file, kind, atMs } of tasks)
    if (kind !== 'invalid' && random.number() < 0.12)
      interferences.push({
        atMs: atMs + between(random, 500, 15_000),
        kind: random.number() < 0.7 ? 'cancel' : 'withdraw',
        file,
      });
  for (let atMs = lengthMs / 3; atMs < lengthMs; atMs += lengthMs / 3)
    interferences.push({ atMs, kind: 'pause', forMs: between(random, 2_000, 8_000) });
  return { tasks, interferences: interferences.sort((a, b) => a.atMs - b.atMs) };
}

export function fileOf(id: string): string {
  return `${id}.md`;
}

function planKill(random: RandomSource, atMs: number): Interference {
  if (random.number() < 0.12) return { atMs, kind: 'kill-sandbox', choice: random.number() };
  // The runner holds what may be lost, and so dies more often than the others.
  const target = random.number() < 0.35 ? 'runner' : random.pick(targets);
  return { atMs, kind: 'kill', target, process: random.pick(['own', 'own', 'init'] as const) };
}

function planTask(random: RandomSource, before: readonly PlannedTask[], atMs: number): PlannedTask {
  const number = before.length;
  const id = `soak-${number}`;
  const kind = random.pick(kinds);
  const workspace = random.pick(workspaces);
  const earlier = before.filter((one) => one.kind !== 'invalid').slice(-6);
  const dependsOn = kind === 'dependent' && earlier.length > 0 ? [random.pick(earlier).id] : [];
  return {
    file: fileOf(id),
    id,
    workspace,
    atMs,
    kind,
    content: contentOf(kind, { id, workspace, dependsOn, marker: `by-${id}` }),
    verdict: random.number() < 0.8 ? 'take' : 'refuse',
    retried: random.number() < 0.5,
  };
}

type Facts = {
  readonly id: string;
  readonly workspace: string;
  readonly dependsOn: readonly string[];
  readonly marker: string;
};

/** Every task writes one line to a file of its own: more than one would be work that was done twice. */
function contentOf(kind: TaskKind, { id, workspace, dependsOn, marker }: Facts): string {
  const write = `create results/${id}.txt with ${marker}`;
  const verified = `postconditions:\n  - grep -qx '${marker}' results/${id}.txt\n`;
  const task = (keys: string, ...lines: readonly string[]) =>
    `id: ${id}\nworkspace: ${workspace}\n${keys}\n\n${lines.map((line, index) => `${index + 1}. ${line}\n`).join('')}`;
  switch (kind) {
    case 'plain':
      return task('stage: dev', write);
    case 'verified':
      return task(`stage: dev\n${verified}`, write);
    case 'gated':
      return task(`stage: staging\n${verified}`, write);
    case 'automatic':
      return task(`stage: dev\nbase_branch: ${openBranch}\non_success: merge\n${verified}`, write);
    case 'checked':
      return task(`stage: dev\npreconditions:\n  - sleep 2; test -f README.md\n${verified}`, write);
    case 'slow':
      return task(`stage: dev\n${verified}`, 'run sleep 6', write, 'run sleep 2');
    case 'dependent':
      return task(`stage: dev\n${verified}depends_on: [${dependsOn.join(', ')}]`, write);
    case 'planned':
      return task('stage: dev\naction: plan', write);
    case 'broken-tool':
      return task('stage: dev', write, `run kill -9 $(cut -d" " -f4 /proc/$$/stat)`);
    case 'broken-condition':
      return task('stage: dev\npostconditions: ["false"]', write);
    case 'late':
      return task('stage: dev\ntimeout_sec: 4', write, 'run sleep 100');
    case 'invalid':
      return `id: ${id}\nworkspace: nowhere\nstage: dev\n\n${write}\n`;
  }
}
