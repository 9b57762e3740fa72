import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { queue } from '../state/store.ts';
import { Foreign } from './foreign.tsx';
import { Icon } from './icon.tsx';
import { ReasonSheet } from './reason-sheet.tsx';
import { Verdict } from './verdict.tsx';

/** Whether the queue goes on, and what stops and starts it. */
export function QueueControl(): JSX.Element {
  const { state, send } = useCommand();
  const [asking, setAsking] = useState(false);
  const paused = queue.value?.paused ?? null;
  return (
    <div class="stack queue-control">
      {paused !== null && (
        <p class="small">
          Paused by <Foreign text={paused.by} />
          {paused.reason !== '' && (
            <>
              : <Foreign text={paused.reason} />
            </>
          )}
        </p>
      )}
      <button
        type="button"
        class="plain"
        onClick={() => (paused === null ? setAsking(true) : send({ kind: 'resume' }))}
      >
        <Icon name={paused === null ? 'pause' : 'play'} size={18} />
        {paused === null ? 'Pause the queue' : 'Resume the queue'}
      </button>
      <Verdict state={state.value} />
      {asking && (
        <ReasonSheet
          title="Pause the queue? What runs goes on; nothing is begun."
          action="Pause"
          suggestions={['Maintenance', 'Looking into a failure']}
          onClose={() => setAsking(false)}
          onDecide={(reason) => {
            setAsking(false);
            send({ kind: 'pause', reason });
          }}
        />
      )}
    </div>
  );
}
