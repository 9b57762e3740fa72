import { Handoff } from '@countersign/contracts/handoff.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { stringify } from 'yaml';

/** A handoff as a file for people and programs. Every text in it is a quoted or plain value, whatever it holds. */
export function formatHandoff(handoff: Handoff): string {
  return stringify(Handoff.parse(handoff), {
    version: '1.2',
    schema: 'core',
    lineWidth: 120,
    aliasDuplicateObjects: false,
  });
}

/** Null for what is no handoff: a person may have edited it. */
export function parseHandoff(bytes: Uint8Array): Handoff | null {
  try {
    const parsed = parseYaml(new TextDecoder('utf-8', { fatal: true }).decode(bytes), Handoff);
    return parsed.ok ? parsed.value : null;
  } catch {
    return null;
  }
}
