import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { sentenceCase } from '../text/status-words.ts';
import { Digest } from './digest.tsx';
import { Fact } from './fact.tsx';
import { Foreign } from './foreign.tsx';
import { ReasonSheet } from './reason-sheet.tsx';
import { Status } from './status.tsx';
import { Change, taskPath } from './task-line.tsx';
import { Verdict } from './verdict.tsx';

/** A result that waits to be merged: what it is, what was in the way, and the answers. */
export function ReviewCard(properties: {
  readonly row: TaskRow & { readonly task: string };
  readonly digest: string;
  readonly verified: boolean;
  readonly refusals: readonly MergeRefusal[];
  readonly onDecided: () => void;
  readonly onItsPage?: boolean;
}): JSX.Element {
  const { row, digest, verified, refusals, onDecided, onItsPage = false } = properties;
  const { state, send } = useCommand(onDecided);
  const [anyway, setAnyway] = useState(false);
  const [anywayMissing, setAnywayMissing] = useState(false);
  const [code, setCode] = useState('');
  const [rejecting, setRejecting] = useState(false);
  const { status } = state.value;
  const decided = status === 'sending' || status === 'sent' || status === 'accepted';
  const moved = refusals.some(({ code: refusal }) => refusal === 'moved');
  const merge = (): void => {
    if (!verified && !anyway) setAnywayMissing(true);
    else
      send({
        kind: 'merge',
        task: row.task,
        digest,
        ...(verified ? {} : { unverified: true as const }),
        ...(/^\d{6}$/.test(code) ? { code } : {}),
      });
  };
  return (
    <>
      {row.change !== null && <Change change={row.change} />}
      <dl class="facts">
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
        {!verified && !decided && (
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
        {row.stage === 'prod' && !decided && (
          <label class="field code-field">
            <span>One-time code, where it is asked for</span>
            <input
              inputMode="numeric"
              autocomplete="one-time-code"
              maxLength={6}
              placeholder="000000"
              value={code}
              onInput={(event) => setCode(event.currentTarget.value.replaceAll(/\D/g, ''))}
            />
          </label>
        )}
        <div class="decide-buttons">
          <button type="button" class="danger" disabled={decided} onClick={() => setRejecting(true)}>
            Reject
          </button>
          {moved && row.actions.includes('rebase') && (
            <button type="button" disabled={decided} onClick={() => send({ kind: 'rebase', task: row.task, digest })}>
              Rebase
            </button>
          )}
          {!onItsPage && (
            <a class="button" href={`${taskPath(row.task)}?tab=diff`}>
              Read the diff
            </a>
          )}
          <button type="button" class="primary" disabled={decided} onClick={merge}>
            Merge
          </button>
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
