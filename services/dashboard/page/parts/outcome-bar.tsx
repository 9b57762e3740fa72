import type { RollUp } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { statusWords, type Tone } from '../text/status-words.ts';

const order: readonly Tone[] = ['good', 'bad', 'warn', 'ask', 'work', 'quiet'];

/** How many tasks are in each state, as lengths; in words for who does not see them. */
export function OutcomeBar({ counts }: { readonly counts: RollUp['counts'] }): JSX.Element {
  const entries = (Object.entries(counts) as [keyof typeof counts, number][])
    .filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => order.indexOf(statusWords[a].tone) - order.indexOf(statusWords[b].tone));
  const all = entries.reduce((sum, [, count]) => sum + count, 0);
  const words = entries.map(([status, count]) => `${count} ${statusWords[status].word.toLowerCase()}`).join(', ');
  let x = 0;
  return (
    <svg class="outcome-bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={words}>
      <title>{words}</title>
      {entries.map(([status, count]) => {
        const width = (100 * count) / Math.max(1, all);
        const from = x;
        x += width;
        return (
          <rect
            key={status}
            class={`fill-${statusWords[status].tone}`}
            x={from}
            y="0"
            width={Math.max(0, width - 0.6)}
            height="6"
          />
        );
      })}
    </svg>
  );
}
