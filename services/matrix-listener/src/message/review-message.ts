import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { AgentHandoff } from '@countersign/contracts/handoff.ts';
import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { flaggedFiles } from '@countersign/kit/flagged-files.ts';
import type { Review, ReviewView } from '@countersign/kit/review-view.ts';
import { describeCheck, describeVerification } from '@countersign/kit/verification-words.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { type Fact, type RequestParts, requestMessage } from './request-message.ts';
import { mergeElsewhere, mergeHere } from './review-steps.ts';
import { inertFact } from './sentence.ts';

/** What brought a task back to its review without being merged; null when it comes there with something new. */
export type Return = 'merge' | 'rebase' | null;

type May = { readonly decide: boolean };

/**
 * What a person has to know to merge from a phone: facts that we state, then how to decide, then the agent's words, marked. The
 * list of files is checked against the digest; of the record only what the runner states. Pure.
 * @param may.decide whether anybody may decide on this stage in the room
 */
export function reviewMessage(view: ReviewView, record: Review, may: May, back: Return): MessageContent {
  const { result } = record.state;
  const lines = agentLines(view.handoff?.agent ?? null);
  return requestMessage((share) => ({
    ...partsOf(record, may, back),
    facts: [
      ...namingFacts(record),
      ...record.state.result.repositories.map(
        ({ name, branch, base_head, head, files, insertions, deletions }): Fact => [
          'repository',
          `${name}, branch ${cut(inertLine(branch), messageLimits.branchCharacters)}, ${base_head.slice(0, 12)} to ${head.slice(0, 12)}: ${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}`,
        ],
      ),
      ...checkFacts(record, share),
      ...flagFacts(view, record.id, share),
      ...refusalFacts(record, back, share),
      ['digest', result.digest.slice(0, 8)],
      // Last, so that whatever it says stands behind our own words.
      ['title, in the words of the task file', record.title],
    ],
    words:
      lines.length === 0
        ? { heading: 'The agent left no words with this result', lines: [] }
        : {
            heading:
              'What the agent says of its work. These are its words, not those of Countersign, and nothing of them was checked',
            lines,
          },
  }));
}

/** For a room that was shown the result already: why it is not merged, and what mends it. Pure. */
export function returnMessage(record: Review, may: May, back: Return): MessageContent {
  return requestMessage((share) => ({
    ...partsOf(record, may, back),
    facts: [
      ...namingFacts(record),
      ...refusalFacts(record, back, share),
      ['digest', record.state.result.digest.slice(0, 8)],
    ],
  }));
}

function partsOf(record: Review, may: May, back: Return): Omit<RequestParts, 'facts'> {
  const { id, stage, state } = record;
  const codes = new Set(state.refusals.map(({ code }) => code));
  const about = {
    task: id,
    digest: state.result.digest,
    isVerified: state.result.verification.status === 'verified',
    hasMoved: codes.has('moved'),
    isWithCode: stage === secondFactorStage,
  };
  const why =
    stage === secondFactorStage
      ? `${inertFact(stage)} is not decided in this room: it is decided at the machine itself, or on the dashboard with a one-time code. At the machine, `
      : `Stage ${inertFact(stage)} is not decided in this room; configs/stages.yaml lists who decides on it. At the machine, `;
  return {
    title: titleOf(about.isVerified, back),
    file: record.file,
    step: may.decide ? mergeHere(about) : mergeElsewhere(about, why),
    words: null,
    whole: `scripts/countersign show ${id}`,
  };
}

function titleOf(isVerified: boolean, back: Return): string {
  if (back === 'merge') return 'Not merged';
  if (back === 'rebase') return 'Not carried over';
  return isVerified ? 'Ready to merge' : 'Finished, and not verified';
}

function namingFacts({ id, file, dropped_as, stage, workspace }: Review): Fact[] {
  return [
    ['file', file],
    ...(file === dropped_as ? [] : [['dropped as', dropped_as] as const]),
    ['task', id],
    ['stage', stage],
    ['workspace', workspace],
  ];
}

function checkFacts({ id, state }: Review, share: number): Fact[] {
  const { verification } = state.result;
  const checks = verification.status === 'unverified' ? [] : verification.checks;
  const shown = checks.slice(0, Math.floor(messageLimits.conditions * share));
  return [
    ['checked', describeVerification(verification)],
    ...shown.map((check): Fact => ['condition', entry(describeCheck(check))]),
    ...leftOut('condition', checks.length - shown.length, `scripts/countersign show ${id}`),
  ];
}

/** The files that deserve eyes, as many as there is room for. @param share from 1 for as much as ever is shown, to 0 for none */
export function flagFacts({ index }: Pick<ReviewView, 'index'>, task: string, share: number): Fact[] {
  const { files, unlisted } = flaggedFiles(index);
  if (files.length + unlisted === 0) return [['needs eyes', 'nothing that is known to']];
  const shown = files.slice(0, Math.floor(messageLimits.flaggedFiles * share));
  return [
    // The path is cut, and never what is to be said of it.
    ...shown.map(({ repository, path, why }): Fact => ['needs eyes', `${repository}: ${entry(path)} (${why})`]),
    ...leftOut('needs eyes', files.length + unlisted - shown.length, `scripts/countersign diff ${task} --stat`),
  ];
}

function refusalFacts({ id, state }: Review, back: Return, share: number): Fact[] {
  const name = back === 'rebase' ? 'not carried over' : 'not merged';
  const shown = state.refusals.slice(0, Math.floor(messageLimits.refusals * share));
  return [
    ...shown.map(({ code, repository, message }): Fact => [name, entry(`${code}: ${repository}: ${message}`)]),
    ...leftOut(name, state.refusals.length - shown.length, `scripts/countersign show ${id}`),
  ];
}

function leftOut(name: string, count: number, where: string): Fact[] {
  return count > 0 ? [[name, `and ${count.toLocaleString('en-US')} more: ${where}`]] : [];
}

/** Made inert before it is cut: what is spelt out is longer. */
function entry(text: string): string {
  return cut(inertLine(text), messageLimits.entryCharacters);
}

/** The agent's words on its work, inert. */
export function agentLines(agent: AgentHandoff | null): string[] {
  if (agent === null) return [];
  const said = (name: string, words: string | undefined) => (words === undefined ? [] : [`${name}: ${words}`]);
  return [
    ...said('what', agent.what),
    ...(agent.evidence?.changed ?? []).map((line) => `changed: ${line}`),
    ...(agent.evidence?.validation ?? []).map((line) => `validation: ${line}`),
    ...said('blocker', agent.blocker),
    ...said('next', agent.next),
  ].flatMap(inertLines);
}
