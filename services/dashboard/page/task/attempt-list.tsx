import type { Attempt } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { Foreign } from '../parts/foreign.tsx';
import { Status } from '../parts/status.tsx';
import { At } from '../parts/time.tsx';
import { amount, bytes, duration } from '../text/format.ts';
import { spaced } from '../text/status-words.ts';

/** Every attempt of a task, and what each left behind. */
export function AttemptList(properties: {
  readonly attempts: readonly Attempt[];
  readonly chosen: number | undefined;
  readonly onChoose: (attempt: number) => void;
}): JSX.Element {
  const { attempts, chosen, onChoose } = properties;
  return (
    <ol class="attempts" reversed>
      {attempts.map((attempt) => (
        <li key={attempt.attempt} class="stack tight">
          <div class="row">
            <h2>Attempt {attempt.attempt}</h2>
            <Outcome of={attempt} />
            {attempt.attempt === chosen ? (
              <span class="tag">shown</span>
            ) : (
              <button type="button" class="plain" onClick={() => onChoose(attempt.attempt)}>
                Show attempt {attempt.attempt}
              </button>
            )}
          </div>
          <p class="soft small dot-list meta-line">
            {attempt.started_at !== null && <At at={attempt.started_at} />}
            {attempt.duration_ms !== null && <span>{duration(attempt.duration_ms)}</span>}
            {attempt.tokens !== null && <span>{amount(attempt.tokens.prompt + attempt.tokens.completion)} tokens</span>}
          </p>
          {attempt.artifacts.length > 0 && (
            <ul class="artifacts small">
              {attempt.artifacts.map((artifact) => (
                <li key={artifact.name}>
                  <code>
                    <Foreign text={artifact.name} />
                  </code>
                  <span class="soft">{bytes(artifact.bytes)}</span>
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  );
}

function Outcome({ of: { outcome, error_class: error } }: { readonly of: Attempt }): JSX.Element {
  if (outcome === null) return <Status word="At work" tone="work" shape="pulse" />;
  if (error !== null) return <Status word={spaced(error)} tone="bad" shape="cross" />;
  return <Status word={spaced(outcome)} tone="good" shape="check" />;
}
