import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { Review, TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { sentenceCase } from '../text/status-words.ts';
import { CodeField, useCode } from './code-field.tsx';
import { Digest } from './digest.tsx';
import { Fact } from './fact.tsx';
import { Foreign } from './foreign.tsx';
import { ReasonSheet } from './reason-sheet.tsx';
import { Status } from './status.tsx';
import { Change, taskPath } from './task-line.tsx';
import { Verdict } from './verdict.tsx';

type Properties = {
  readonly row: TaskRow & { readonly task: string };
  readonly review: Review;
  readonly onDecided: () => void;
  readonly onItsPage?: boolean;
};

/** A result that waits to be merged: what it is, what was in the way, and the answers. */
export function ReviewCard(properties: Properties): JSX.Element {
  const { digest } = properties.review;
  // A result that changed under the finger is looked at before it is decided: the second tap of two must not take it for the first one.
  const [seen, setSeen] = useState(digest);
  // What was ticked, typed or told was of the other result, or of the merge that was refused.
  return (
    <Decision
      key={`${digest} ${properties.row.since}`}
      {...properties}
      changed={digest !== seen}
      onRead={() => setSeen(digest)}
    />
  );
}

function Decision(properties: Properties & { readonly changed: boolean; readonly onRead: () => void }): JSX.Element {
  const { row, review, onDecided, onItsPage = false, changed, onRead } = properties;
  const { digest, verified, refusals } = review;
  const { state, send } = useCommand(onDecided);
  const [anyway, setAnyway] = useState(false);
  const [anywayMissing, setAnywayMissing] = useState(false);
  const code = useCode(review.needs_code);
  const [rejecting, setRejecting] = useState(false);
  const { status } = state.value;
  const decided = status === 'sending' || status === 'sent' || status === 'accepted';
  const moved = refusals.some((refusal) => refusal.code === 'moved');
  const merge = (): void => {
    if (!verified && !anyway) {
      setAnywayMissing(true);
      return;
    }
    const taken = code.take();
    if (taken !== null)
      send({ kind: 'merge', task: row.task, digest, ...(verified ? {} : { unverified: true as const }), ...taken });
  };
  return (
    <>
      {row.change !== null && <Change change={row.change} />}
      <dl class={`facts${changed ? ' changed' : ''}`} aria-label={changed ? 'Facts, as they are now' : 'Facts'}>
        <Fact name="Checks">
          {verified ? (
            <Status word="All passed" tone="good" shape="check" />
          ) : (
            <Status word="Not verified" tone="warn" shape="pause" />
          )}
        </Fact>
        <Fact name="Digest">
          <Digest of={digest} />
        </Fact>
      </dl>
      <Refusals of={refusals} />
      <div class="decide">
        <Verdict state={state.value} />
        {!verified && !decided && !changed && (
          <label class="check small">
            <input
              type="checkbox"
              checked={anyway}
              onChange={(event) => {
                setAnyway(event.currentTarget.checked);
                setAnywayMissing(false);
              }}
            />
            Merge it although nothing was verified
          </label>
        )}
        {anywayMissing && (
          <p class="field" role="alert">
            <span class="wrong">No postcondition passed for this result: say that you want it all the same.</span>
          </p>
        )}
        {review.needs_code && !decided && !changed && <CodeField code={code} onEnter={merge} />}
        <div class="decide-buttons">
          {!changed && (
            <button type="button" class="danger" disabled={decided} onClick={() => setRejecting(true)}>
              Reject
            </button>
          )}
          {!changed && moved && row.actions.includes('rebase') && (
            <button type="button" disabled={decided} onClick={() => send({ kind: 'rebase', task: row.task, digest })}>
              Rebase
            </button>
          )}
          {!onItsPage && (
            <a class="button" href={`${taskPath(row.task)}?tab=diff`}>
              Read the diff
            </a>
          )}
          {changed ? (
            <button type="button" onClick={onRead}>
              This is new: I have read it
            </button>
          ) : (
            <button type="button" class="primary" disabled={decided} onClick={merge}>
              Merge
            </button>
          )}
        </div>
      </div>
      {rejecting && (
        <ReasonSheet
          title={`Reject the result of ${row.task}?`}
          action="Reject"
          suggestions={['Not what I asked for', 'Breaks something', 'I do it myself']}
          onClose={() => setRejecting(false)}
          onDecide={(reason) => {
            setRejecting(false);
            send({ kind: 'reject', task: row.task, digest, reason });
          }}
        />
      )}
    </>
  );
}

/** What was in the way of a merge, and what mends it. */
function Refusals({ of: refusals }: { readonly of: readonly MergeRefusal[] }): JSX.Element | null {
  if (refusals.length === 0) return null;
  return (
    <ul class="refusals" aria-label="In the way of the merge">
      {refusals.map(({ code, repository, message, names }) => (
        <li key={`${repository} ${code}`}>
          <span class="row">
            <Status word={sentenceCase(code)} tone="warn" shape="pause" />
            <code>
              <Foreign text={repository} />
            </code>
          </span>
          <p class="small">
            <Foreign text={message} />
          </p>
          {names.length > 0 && (
            <ul class="names small">
              {names.map((name) => (
                <li key={name}>
                  <code>
                    <Foreign text={name} />
                  </code>
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}
