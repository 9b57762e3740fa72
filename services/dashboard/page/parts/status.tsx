import type { ServiceRow, TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { isAsking } from '../state/rows.ts';
import {
  askingWords,
  cancellingWords,
  type Shape,
  serviceWords,
  statusWords,
  type Tone,
} from '../text/status-words.ts';

/** A task's state: by word, by shape, and by colour. */
export function TaskState({
  of: row,
}: {
  readonly of: Pick<TaskRow, 'status' | 'actions' | 'cancellation'>;
}): JSX.Element {
  if (row.cancellation !== null) return <Status {...cancellingWords} />;
  return <Status {...(isAsking(row) ? askingWords : statusWords[row.status])} />;
}

export function ServiceState({ status }: { readonly status: ServiceRow['status'] }): JSX.Element {
  return <Status {...serviceWords[status]} />;
}

export function Status({ word, tone, shape }: { word: string; tone: Tone; shape: Shape }): JSX.Element {
  return (
    <span class={`status tone-${tone}`}>
      <Mark shape={shape} />
      {word}
    </span>
  );
}

/** The shape alone, for where the word stands elsewhere. */
export function Mark({ shape }: { readonly shape: Shape }): JSX.Element {
  const stroke = { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8, 'stroke-linecap': 'round' } as const;
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
      {shape === 'ring' && <circle cx="7" cy="7" r="4.6" {...stroke} />}
      {shape === 'pulse' && <circle class="pulse-ring" cx="7" cy="7" r="6" fill="none" stroke="currentColor" />}
      {shape === 'pulse' && <circle cx="7" cy="7" r="3.6" fill="currentColor" />}
      {shape === 'diamond' && <path d="M7 1 13 7 7 13 1 7z" fill="currentColor" />}
      {shape === 'square' && <path d="M2.5 2.5h9v9h-9z" {...stroke} />}
      {shape === 'square' && <path d="M5 5h4v4H5z" fill="currentColor" />}
      {shape === 'check' && <path d="m2.5 7.5 3 3 6-7" {...stroke} stroke-width="2.2" />}
      {shape === 'cross' && <path d="m3 3 8 8M11 3l-8 8" {...stroke} stroke-width="2.2" />}
      {shape === 'slash' && <path d="M7 2.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6M3.7 10.3l6.6-6.6" {...stroke} />}
      {shape === 'pause' && <path d="M4.5 3v8M9.5 3v8" {...stroke} stroke-width="2.4" />}
      {shape === 'question' && (
        <path d="M4.2 4.8a2.8 2.8 0 1 1 4.3 2.3c-.9.6-1.5 1-1.5 2" {...stroke} stroke-width="2" />
      )}
      {shape === 'question' && <circle cx="7" cy="12" r="1.2" fill="currentColor" />}
      {shape === 'clock' && <path d="M7 2.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6M7 4.5V7l1.8 1.4" {...stroke} />}
    </svg>
  );
}
