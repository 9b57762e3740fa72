import type { ApprovalFacts, TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { CodeField, useCode } from './code-field.tsx';
import { Digest } from './digest.tsx';
import { Fact } from './fact.tsx';
import { Foreign } from './foreign.tsx';
import { Icon } from './icon.tsx';
import { ReasonSheet } from './reason-sheet.tsx';
import { ShownText } from './shown-text.tsx';
import { Ago } from './time.tsx';
import { Verdict } from './verdict.tsx';

/** What an approval would bind, and the two answers. What is sent names the digest that is shown, and no other. */
export function ApprovalCard(properties: {
  readonly row: TaskRow & { readonly task: string };
  readonly approval: ApprovalFacts;
  readonly planOpen: boolean;
  readonly onDecided: () => void;
}): JSX.Element {
  const { row, approval: given, planOpen, onDecided } = properties;
  const { state, send } = useCommand(onDecided);
  const [rejecting, setRejecting] = useState(false);
  const newer = state.value.status === 'stale' ? state.value.task?.approval : undefined;
  // What came with the refusal stands in until the page has asked again.
  const approval = newer !== undefined && newer !== null && 'digest' in newer ? newer : given;
  const code = useCode(approval.needs_code);
  // Facts that changed under the finger are read before they are answered: the second tap of two must not take them for the first ones.
  const [seen, setSeen] = useState(given.digest);
  const changed = approval.digest !== seen;
  const { status } = state.value;
  const decided = status === 'sending' || status === 'sent' || status === 'accepted';
  const approve = (): void => {
    const taken = code.take();
    if (taken !== null) send({ kind: 'approve', task: row.task, digest: approval.digest, ...taken });
  };

  return (
    <>
      <Facts approval={approval} changed={changed} />
      <details class="fold" open={planOpen}>
        <summary>
          <span>
            Plan <span class="soft">in the model's words</span>
          </span>
          <Icon name="chevron" size={18} />
        </summary>
        <ShownText of={approval.plan} label="Plan" />
      </details>
      <div class="decide">
        <Verdict state={state.value} />
        {approval.needs_code && !decided && !changed && <CodeField code={code} onEnter={approve} />}
        {changed && !decided ? (
          <div class="decide-buttons">
            <button type="button" onClick={() => setSeen(approval.digest)}>
              This is new: I have read it
            </button>
          </div>
        ) : (
          <div class="decide-buttons">
            <button type="button" class="danger" disabled={decided} onClick={() => setRejecting(true)}>
              Reject
            </button>
            <button type="button" class="primary" disabled={decided} onClick={approve}>
              Approve
            </button>
          </div>
        )}
      </div>
      {rejecting && (
        <ReasonSheet
          title={`Reject ${row.task}?`}
          action="Reject"
          suggestions={['The plan is not what I asked for', 'Too much at once', 'Wrong files']}
          onClose={() => setRejecting(false)}
          onDecide={(reason) => {
            setRejecting(false);
            send({ kind: 'reject', task: row.task, digest: approval.digest, reason });
          }}
        />
      )}
    </>
  );
}

function Facts({ approval, changed }: { readonly approval: ApprovalFacts; readonly changed: boolean }): JSX.Element {
  return (
    <dl class={`facts${changed ? ' changed' : ''}`} aria-label={changed ? 'Facts, as they are now' : 'Facts'}>
      {approval.facts.map(({ name, value, flag }, index) => (
        <div key={index} class="fact">
          <dt>
            <Foreign text={name} />
          </dt>
          <dd class={flag ? 'flagged' : ''}>
            {flag && <span aria-hidden="true">⚑ </span>}
            {flag && <span class="hidden-text">Look at this: </span>}
            <Foreign text={value} />
          </dd>
        </div>
      ))}
      <Fact name="Digest">
        <Digest of={approval.digest} />
      </Fact>
      <Fact name="Expires">
        <Ago at={approval.expires_at} />
      </Fact>
    </dl>
  );
}
