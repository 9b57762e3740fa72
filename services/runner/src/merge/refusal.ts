import type { MergeRefusal, MergeRefusalCode } from '@countersign/contracts/merge.ts';
import type { MergeTarget } from './merge-target.ts';

const shownNames = 3;
const shownCharacters = 80;
const maximumNames = 20;
const maximumCharacters = 500;
const maximumMessage = 1_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * @param what what is in the way; the first of `names` are put behind it
 * @param mend a command for the operator's shell on the host
 */
export function refusal(
  target: MergeTarget,
  code: MergeRefusalCode,
  what: string,
  mend: string,
  names: readonly string[] = [],
): MergeRefusal {
  const shown = names.slice(0, shownNames).map((name) => `"${printable(name).slice(0, shownCharacters)}"`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  const list = shown.length === 0 ? '' : `: ${shown.join(', ')}${more}`;
  return {
    code,
    repository: target.repository.name,
    message: `${what}${list}; mend it with: ${mend}`.slice(0, maximumMessage),
    names: names.slice(0, maximumNames).map((name) => printable(name).slice(0, maximumCharacters)),
  };
}

/** The command, run on the host, that does what we must not: it runs the operator's own filters. */
export function hostMerge(target: MergeTarget): string {
  return hostGit(target, `merge --ff-only ${target.head}`);
}

export function hostGit(target: MergeTarget, command: string): string {
  return `git -C workspaces/${target.repository.path} ${command}`;
}

function printable(name: string): string {
  return name.replace(
    unprintable,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
