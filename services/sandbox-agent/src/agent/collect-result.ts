import type { Check } from '@countersign/contracts/condition.ts';
import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import { clearBesideTask } from './clear-temporary.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { collectBundles, type Sent } from './collect-bundles.ts';
import { collectCarried } from './collect-carried.ts';
import { collectStrays } from './collect-strays.ts';
import { collectNotes, collectPlan, collectTokens, collectToolError } from './collect-texts.ts';
import { collectWork } from './collect-work.ts';
import type { FinalPart, Note } from './delivery.ts';
import type { Outcome } from './outcome.ts';
import type { AgentPaths } from './paths.ts';
import type { Source } from './source.ts';
import { notStarted } from './verify.ts';
import type { Worked } from './worked.ts';

type Collection = {
  readonly sources: readonly Source[];
  readonly notes: readonly Note[];
  readonly bundles: EndFrame['bundles'];
  readonly artifacts: EndFrame['artifacts'];
  /** Refusals: with one, an attempt has failed. */
  readonly problem: Outcome | undefined;
  readonly remarks: readonly string[];
};
type Result = Pick<FinalPart, 'sources' | 'notes'> & { readonly end: Omit<EndFrame, 'stdout' | 'stderr'> };

const nothing: Collection = { sources: [], notes: [], bundles: [], artifacts: [], problem: undefined, remarks: [] };
const messageCharacters = 4_000;

/**
 * Takes what the work has left behind. In plan mode that is the plan and nothing else, whatever the workspace looks like; of
 * conditions it is nothing but their ends.
 * @param stop a fresh limit for each repository
 */
export async function collectResult(
  paths: AgentPaths,
  frame: TaskFrame,
  worked: Worked,
  stop: () => AbortSignal,
): Promise<Result> {
  const collection = await collect(paths, frame, worked, stop);
  const { sources, notes, bundles, artifacts, remarks } = collection;
  const outcome = worked.outcome.kind === 'finished' ? (collection.problem ?? worked.outcome) : worked.outcome;
  const own = worked.done === 'tool' && outcome.kind === 'failed' ? await ownWords(paths.task, outcome) : outcome;
  const problems =
    collection.problem?.kind === 'failed' && own !== collection.problem ? [collection.problem.message] : [];
  const end = {
    task: frame.task,
    exit_code: worked.exitCode,
    reason: own.kind,
    ...errorClassOf(own),
    message: [own.kind === 'finished' ? 'finished' : own.message, ...problems, ...remarks]
      .join('; ')
      .slice(0, messageCharacters),
    tokens: worked.done === 'tool' ? await collectTokens(paths.task) : { prompt: 0, completion: 0, requests: 0 },
    ...(frame.mode === 'verify' ? { checks: checksOf(frame, worked) } : {}),
    bundles,
    artifacts,
  };
  return { sources, notes, end };
}

async function collect(
  paths: AgentPaths,
  frame: TaskFrame,
  worked: Worked,
  stop: () => AbortSignal,
): Promise<Collection> {
  switch (worked.done) {
    case 'nothing':
      return nothing;
    case 'conditions': {
      const passed = worked.checks.filter(({ exit_code }) => exit_code === 0).length;
      return { ...nothing, remarks: [`${passed} of ${worked.checks.length} conditions passed`] };
    }
    case 'rebase': {
      const bundles = await collectBundles(paths, frame, (folder, baseHead, path, index) =>
        collectCarried(folder, baseHead, path, worked.carried[index], { stop: stop() }),
      );
      const collection = { ...nothing, problem: refusalOf(bundles), remarks: bundles.notes };
      // Every repository or none.
      return collection.problem === undefined
        ? { ...collection, sources: bundles.sources, bundles: bundles.entries }
        : collection;
    }
    case 'tool':
      return frame.mode === 'plan'
        ? await collectPlanned(paths)
        : await collectEverything(paths, frame, worked.outcome, stop);
  }
}

async function collectPlanned(paths: AgentPaths): Promise<Collection> {
  const plan = await collectPlan(paths.task);
  if ('frame' in plan) return { ...nothing, notes: [plan] };
  return { ...nothing, problem: { kind: 'failed', errorClass: 'plan_missing', message: plan.problem } };
}

async function collectEverything(
  paths: AgentPaths,
  frame: TaskFrame,
  outcome: Outcome,
  stop: () => AbortSignal,
): Promise<Collection> {
  const room = {
    isFull: outcome.kind === 'stopped' && outcome.limit?.errorClass === 'budget_disk',
    make: () => clearBesideTask(paths),
  };
  const bundles = await collectBundles(paths, frame, (folder, baseHead, path) =>
    collectWork(folder, baseHead, path, room, () => ({ stop: stop() })),
  );
  const artifacts = await collectArtifacts(paths.task);
  const strays = await collectStrays(
    paths.workspace,
    frame.repositories.map(({ name }) => name),
  );
  return {
    sources: [...bundles.sources, ...artifacts.sources],
    notes: await collectNotes(paths.task),
    bundles: bundles.entries,
    artifacts: artifacts.entries,
    problem: refusalOf(bundles),
    remarks: [...bundles.notes, ...strays, ...artifacts.notes],
  };
}

function refusalOf({ problems }: Sent<unknown>): Outcome | undefined {
  if (problems.length === 0) return undefined;
  return { kind: 'failed', errorClass: 'result_refused', message: problems.join('; ') };
}

/** One for each condition, also when none of them was reached. */
function checksOf(frame: TaskFrame, worked: Worked): Check[] {
  if (worked.done === 'conditions') return [...worked.checks];
  return (frame.conditions ?? []).map(() => notStarted);
}

/** A tool that failed may say why itself. */
async function ownWords(taskFolder: string, outcome: Outcome & { kind: 'failed' }): Promise<Outcome> {
  if (outcome.errorClass !== 'tool_failed') return outcome;
  const said = await collectToolError(taskFolder);
  return said === undefined ? outcome : { kind: 'failed', errorClass: said.error_class, message: said.message };
}

function errorClassOf(outcome: Outcome): Pick<EndFrame, 'error_class' | 'exceeded'> {
  switch (outcome.kind) {
    case 'finished':
      return {};
    case 'stopped':
      if (outcome.limit === undefined) return { error_class: 'stopped' };
      return {
        error_class: outcome.limit.errorClass,
        exceeded: { limit: outcome.limit.limit, used: outcome.limit.used },
      };
    case 'failed':
      return { error_class: outcome.errorClass };
  }
}
