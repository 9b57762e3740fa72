import type { Verification } from '@countersign/contracts/condition.ts';
import type { TokenCount } from '@countersign/contracts/event.ts';
import { Handoff } from '@countersign/contracts/handoff.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { Sha256 } from '@countersign/contracts/names.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { parseAgentHandoff } from './agent-handoff.ts';
import { changeOf } from './change-line.ts';
import { sentencesOf } from './handoff-sentences.ts';

/** What is known of an attempt when it has ended, and what its agent wrote. */
export type HandoffFacts = {
  /** With the state that the attempt led to. */
  readonly record: TaskRecord;
  readonly attempt: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly endedAt: string;
  readonly result: Result | null;
  /** Names of changed files by repository, as git spells them; the first few are told. */
  readonly changedFiles: ReadonlyMap<string, readonly string[]>;
  /** As it was found, also where there is no result. */
  readonly verification: Verification;
  /** The conditions that were looked at before the work began. */
  readonly preconditions: readonly {
    readonly command: string;
    readonly exit_code: number | null;
    readonly duration_ms: number;
  }[];
  /** For people, with where it runs. */
  readonly model: string;
  readonly tokens: TokenCount | null;
  readonly durationMs: number;
  /** Digests by name. */
  readonly prompts: Readonly<Record<string, Sha256>>;
  /** The bytes of its `handoff.yaml` as text; null when it left none. */
  readonly agentText: string | null;
};

const namedFiles = 8;
const fileCharacters = 120;
const commandCharacters = 300;
const lineCharacters = 1_000;
const wordsCharacters = 4_000;
const maximumLines = 50;

/** The handoff of an attempt: every field but `agent` is made of facts of ours, whatever the agent wrote. */
export function buildHandoff(facts: HandoffFacts): Handoff {
  const { record, result } = facts;
  const { what, blocker, next } = sentencesOf(record);
  return Handoff.parse({
    version: 1,
    task: record.id,
    run: record.run,
    attempt: facts.attempt,
    workspace: record.workspace,
    memory_task: record.memory_task,
    title: inertLine(record.title),
    status: record.state.status,
    error_class: record.state.status === 'failed' ? record.state.error_class : null,
    ended_at: facts.endedAt,
    what: clip(inertLine(what), wordsCharacters),
    evidence: { changed: few(changedLines(facts)), validation: few(validationLines(facts)) },
    blocker: clip(inertLine(blocker), wordsCharacters),
    next: clip(inertLine(next), wordsCharacters),
    repositories: repositoriesOf(record, result),
    diff: result?.digest ?? null,
    model: inertLine(facts.model),
    tokens: facts.tokens,
    duration_ms: facts.durationMs,
    prompts: { ...facts.prompts },
    agent: facts.agentText === null ? null : parseAgentHandoff(facts.agentText),
  } satisfies Handoff);
}

function repositoriesOf(record: TaskRecord, result: Result | null): Handoff['repositories'] {
  const changed = new Map(result?.repositories.map((repository) => [repository.name, repository]));
  const unchanged = (record.bases ?? [])
    .filter(({ repository }) => !changed.has(repository))
    .map(({ repository, branch, head }) => ({ name: repository, branch, base_head: head, head: null, ref: null }));
  const made = [...changed.values()].map(({ name, branch, base_head, head, ref }) => ({
    name,
    branch,
    base_head,
    head,
    ref,
  }));
  return [...made, ...unchanged];
}

function changedLines({ result, changedFiles }: HandoffFacts): string[] {
  if (result === null) return ['nothing was changed'];
  return result.repositories.flatMap((repository) => {
    const { name, files, flags } = repository;
    const names = (changedFiles.get(name) ?? [])
      .slice(0, namedFiles)
      .map((file) => clip(inertLine(file), fileCharacters));
    const more = files > names.length && names.length > 0 ? [...names, '...'] : names;
    const listed = more.length === 0 ? '' : ` (${more.join(', ')})`;
    const eyes = flags.length === 0 ? [] : [`${name}: deserves eyes: ${flags.join(', ')}`];
    return [`${changeOf(repository)}${listed}`, ...eyes];
  });
}

function validationLines({ verification, preconditions }: HandoffFacts): string[] {
  const before = preconditions.map((check) => `before the work, ${checkLine(check)}`);
  if (verification.status === 'unverified') return [...before, 'no postcondition was checked'];
  return [...before, ...verification.checks.map(checkLine)];
}

function checkLine({ command, exit_code: code, duration_ms: duration }: HandoffFacts['preconditions'][number]): string {
  const how = code === 0 ? 'passed' : code === null ? 'did not end' : `failed with exit code ${code}`;
  return `${clip(inertLine(command), commandCharacters)}: ${how} ${code === 0 ? 'in' : 'after'} ${(duration / 1_000).toFixed(1)} s`;
}

function few(lines: readonly string[]): string[] {
  const kept = lines.slice(0, lines.length > maximumLines ? maximumLines - 1 : maximumLines);
  const more = lines.length > kept.length ? [`and ${lines.length - kept.length} more`] : [];
  return [...kept, ...more].map((line) => clip(line, lineCharacters));
}

function clip(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 6).toWellFormed()} [...]`;
}
