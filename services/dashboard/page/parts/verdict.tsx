import type { JSX } from 'preact';
import type { CommandState } from '../api/command.ts';
import { runnerTrouble } from '../state/store.ts';
import { Foreign } from './foreign.tsx';
import { Mark } from './status.tsx';

const shapes = {
  sending: 'ring',
  sent: 'clock',
  accepted: 'check',
  refused: 'cross',
  stale: 'pause',
  failed: 'cross',
} as const;

/** What came of a tap, told as it becomes known. */
export function Verdict({
  state,
  decider = 'runner',
}: {
  readonly state: CommandState;
  readonly decider?: string;
}): JSX.Element {
  return (
    <div class="verdict-slot" role="status" aria-live="polite">
      {state.status !== 'idle' && (
        <p class={`verdict ${state.status}`}>
          <Mark shape={shapes[state.status]} />
          <span>{wordsOf(state, decider)}</span>
        </p>
      )}
    </div>
  );
}

function wordsOf(state: Exclude<CommandState, { status: 'idle' }>, decider: string): JSX.Element | string {
  switch (state.status) {
    case 'sending':
      return 'Sending…';
    case 'sent':
      return decider === 'runner' && runnerTrouble.value !== null
        ? 'Sent. The runner does not answer now; it decides as soon as it runs again.'
        : `Sent. The ${decider} has not answered yet.`;
    case 'stale':
      return (
        <>
          Not sent: this changed while you looked. What you see now is new. <Foreign text={state.message} />
        </>
      );
    case 'accepted':
      return state.message === '' ? 'Accepted.' : <Foreign text={state.message} />;
    case 'refused':
    case 'failed':
      return state.message === '' ? 'Refused.' : <Foreign text={state.message} />;
  }
}
