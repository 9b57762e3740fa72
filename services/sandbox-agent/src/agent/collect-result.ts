import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { collectBundles } from './collect-bundles.ts';
import { collectNotes, collectPlan, collectTokens, collectToolError } from './collect-texts.ts';
import type { FinalPart, Note } from './delivery.ts';
import type { Outcome } from './outcome.ts';
import type { AgentPaths } from './paths.ts';
import type { Source } from './source.ts';

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
type Worked = { readonly outcome: Outcome; readonly exitCode: number | null; readonly checkedOut: boolean };

const nothing: Collection = { sources: [], notes: [], bundles: [], artifacts: [], problem: undefined, remarks: [] };
const messageCharacters = 4_000;

/**
 * Takes what a tool has left behind. In plan mode that is the plan and nothing else, whatever the workspace looks like.
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
  const own = worked.checkedOut && outcome.kind === 'failed' ? await ownWords(paths.task, outcome) : outcome;
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
    tokens: await collectTokens(paths.task),
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
  if (!worked.checkedOut) return nothing;
  if (frame.mode === 'plan') {
    const plan = await collectPlan(paths.task);
    if ('frame' in plan) return { ...nothing, notes: [plan] };
    return { ...nothing, problem: { kind: 'failed', errorClass: 'plan_missing', message: plan.problem } };
  }
  const bundles = await collectBundles(paths, frame, stop);
  const artifacts = await collectArtifacts(paths.task);
  const refused = bundles.problems.join('; ');
  return {
    sources: [...bundles.sources, ...artifacts.sources],
    notes: await collectNotes(paths.task),
    bundles: bundles.entries,
    artifacts: artifacts.entries,
    problem: refused === '' ? undefined : { kind: 'failed', errorClass: 'result_refused', message: refused },
    remarks: [...bundles.notes, ...artifacts.notes],
  };
}

/** A tool that failed may say why itself. */
async function ownWords(taskFolder: string, outcome: Outcome & { kind: 'failed' }): Promise<Outcome> {
  if (outcome.errorClass !== 'tool_failed') return outcome;
  const said = await collectToolError(taskFolder);
  return said === undefined ? outcome : { kind: 'failed', errorClass: said.error_class, message: said.message };
}

function errorClassOf(outcome: Outcome): Pick<EndFrame, 'error_class'> {
  switch (outcome.kind) {
    case 'finished':
      return {};
    case 'stopped':
      return { error_class: 'stopped' };
    case 'failed':
      return { error_class: outcome.errorClass };
  }
}
