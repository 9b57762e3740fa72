import { strict as assert } from 'node:assert';
import type { ContextInput } from './context-input.ts';
import { type Section, sectionsOf } from './context-sections.ts';
import { clipLine } from './quote.ts';

const heading = '# Context';
const introduction =
  'Facts of the control plane, and what its memory holds. Lines that begin with > are quoted from files. What is not here is not known: look into the repositories.';
/** So many of what was left out are named in the packet itself. */
const namedLeftOut = 12;
const namedIgnored = 4;
const nameBytes = 120;

/** For each section, the numbers of the items that it holds. */
type Chosen = readonly ReadonlySet<number>[];

/**
 * The brief that an attempt starts with: always the same bytes for the same input, and never more than the budget. Items are
 * taken in their order, first so that no section takes much more than its share, then as long as there is room; what was left
 * out is named, and what does not exist is said.
 * @param budgetBytes see `contextBudgetBytes`
 */
export function contextPacket(
  input: ContextInput,
  budgetBytes: number,
): { readonly text: string; readonly leftOut: readonly string[] } {
  const sections = sectionsOf(input, budgetBytes);
  const { ignored } = input.memory;
  const chosen: Chosen = sections.map(() => new Set<number>());
  const fits = (candidate: Chosen) => Buffer.byteLength(render(sections, candidate, ignored)) <= budgetBytes;
  assert(fits(chosen), `a context packet does not fit into ${budgetBytes} bytes`);
  let taken = chosen;
  for (const kept of [true, false])
    for (const [number, section] of sections.entries())
      for (const [index, item] of section.items.entries()) {
        const own = taken[number];
        if (item.text === null || own === undefined || own.has(index)) continue;
        const more = taken.with(number, new Set([...own, index]));
        const size = Buffer.byteLength(body(section, more[number] ?? own));
        if (kept && size > section.share * budgetBytes) continue;
        if (fits(more)) taken = more;
      }
  return { text: render(sections, taken, ignored), leftOut: leftOutOf(sections, taken) };
}

function render(sections: readonly Section[], chosen: Chosen, ignored: readonly string[]): string {
  const leftOut = leftOutOf(sections, chosen);
  const parts = sections.map(
    (section, number) => `## ${section.title}\n\n${body(section, chosen[number] ?? new Set())}`,
  );
  const end = `## Left out\n\n${leftOutText(leftOut, ignored)}`;
  return `${[heading, introduction, ...parts, end].join('\n\n')}\n`;
}

function body({ items, absent, separator }: Section, chosen: ReadonlySet<number>): string {
  if (items.length === 0) return absent;
  if (chosen.size === 0) return 'Left out for size.';
  return items.flatMap(({ text }, index) => (chosen.has(index) && text !== null ? [text] : [])).join(separator);
}

function leftOutOf(sections: readonly Section[], chosen: Chosen): string[] {
  return sections.flatMap(({ items, missing }, number) => [
    ...missing,
    ...items.flatMap(({ label }, index) => (chosen[number]?.has(index) === true ? [] : [label])),
  ]);
}

function leftOutText(leftOut: readonly string[], ignored: readonly string[]): string {
  const lines = [...named('left out for size', leftOut, namedLeftOut), ...named('not taken in', ignored, namedIgnored)];
  return lines.length === 0 ? 'Nothing was left out.' : lines.join('\n');
}

function named(why: string, names: readonly string[], limit: number): string[] {
  const shown = names.slice(0, limit).map((name) => `- ${why}: ${clipLine(name, nameBytes)}`);
  return names.length > limit ? [...shown, `- ${why}: and ${names.length - limit} more`] : shown;
}
