import type { TaskDetail } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { ReasonSheet } from '../parts/reason-sheet.tsx';
import { Verdict } from '../parts/verdict.tsx';

/** What may be done with a task whatever it waits for: cancel, retry, take an approval back. */
export function TaskActions({ detail, onDecided }: { detail: TaskDetail; onDecided: () => void }): JSX.Element | null {
  const { row, record } = detail;
  const { state, send } = useCommand(onDecided);
  const [cancelling, setCancelling] = useState(false);
  const approval = record.state.status === 'approved' ? record.state.approval : null;
  const offered = {
    cancel: row.actions.includes('cancel'),
    retry: row.actions.includes('retry'),
    revoke: row.actions.includes('revoke') && approval !== null,
  };
  const busy = state.value.status === 'sending' || state.value.status === 'sent';
  if (!Object.values(offered).includes(true) && state.value.status === 'idle') return null;
  return (
    <section class="stack tight" aria-label="Actions">
      <div class="row">
        {offered.retry && (
          <button type="button" disabled={busy} onClick={() => send({ kind: 'retry', task: record.id })}>
            Retry
          </button>
        )}
        {offered.revoke && approval !== null && (
          <button
            type="button"
            disabled={busy}
            onClick={() => send({ kind: 'revoke', task: record.id, command: approval.command })}
          >
            Take the approval back
          </button>
        )}
        {offered.cancel && (
          <button type="button" class="plain danger" disabled={busy} onClick={() => setCancelling(true)}>
            Cancel the task
          </button>
        )}
      </div>
      <Verdict state={state.value} />
      {cancelling && (
        <ReasonSheet
          title={`Cancel ${record.id}? What it has come to is kept.`}
          action="Cancel the task"
          suggestions={['Not needed any more', 'Going the wrong way', 'Takes too long']}
          onClose={() => setCancelling(false)}
          onDecide={(reason) => {
            setCancelling(false);
            send({ kind: 'cancel', task: record.id, reason });
          }}
        />
      )}
    </section>
  );
}
