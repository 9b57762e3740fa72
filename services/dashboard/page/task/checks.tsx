import type { NamedCheck } from '@countersign/contracts/condition.ts';
import type { JSX } from 'preact';
import { Foreign } from '../parts/foreign.tsx';
import { Status } from '../parts/status.tsx';
import { duration } from '../text/format.ts';

/** How each condition of a task ended. */
export function Checks({ title, of: checks }: { title: string; of: readonly NamedCheck[] | null }): JSX.Element | null {
  if (checks === null || checks.length === 0) return null;
  return (
    <section class="stack tight">
      <h2>{title}</h2>
      <ul class="checks">
        {checks.map(({ command, exit_code: exitCode, duration_ms: durationMs }, index) => (
          <li key={index}>
            {exitCode === 0 ? (
              <Status word="Passed" tone="good" shape="check" />
            ) : (
              <Status word={exitCode === null ? 'Did not end' : `Exit ${exitCode}`} tone="bad" shape="cross" />
            )}
            <code>
              <Foreign text={command} />
            </code>
            <span class="soft small">{duration(durationMs)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
