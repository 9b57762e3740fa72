import { AgentHandoff } from '@countersign/contracts/handoff.ts';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';

const maximumBytes = 64 * 1024;
const wordsCharacters = 4_000;
const lineCharacters = 1_000;

/**
 * What an agent wrote of its work into `handoff.yaml`, with everything that acts in a terminal spelt out. Null for what is not
 * plain YAML of that shape and size: an agent's text is an attacker's.
 */
export function parseAgentHandoff(text: string): AgentHandoff | null {
  if (Buffer.byteLength(text) > maximumBytes) return null;
  const parsed = parseYaml(text, AgentHandoff);
  if (!parsed.ok) return null;
  const { what, evidence, blocker, next } = parsed.value;
  return {
    ...(what === undefined ? {} : { what: inert(what, wordsCharacters) }),
    ...(evidence === undefined
      ? {}
      : {
          evidence: {
            ...(evidence.changed === undefined ? {} : { changed: evidence.changed.map(inertItem) }),
            ...(evidence.validation === undefined ? {} : { validation: evidence.validation.map(inertItem) }),
          },
        }),
    ...(blocker === undefined ? {} : { blocker: inert(blocker, wordsCharacters) }),
    ...(next === undefined ? {} : { next: inert(next, wordsCharacters) }),
  };
}

const inertItem = (text: string): string => inert(text, lineCharacters);

/** Spelling out makes a text longer; what is more than may be kept is cut, and says so. */
function inert(text: string, characters: number): string {
  const lines = inertLines(text).join('\n');
  return lines.length <= characters ? lines : `${lines.slice(0, characters - 6).toWellFormed()} [...]`;
}
