import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Sheet } from './sheet.tsx';

/** Asks for the reason of a decision, which the record keeps. A suggestion is one tap. */
export function ReasonSheet(properties: {
  readonly title: string;
  readonly action: string;
  readonly suggestions: readonly string[];
  readonly onDecide: (reason: string) => void;
  readonly onClose: () => void;
}): JSX.Element {
  const { title, action, suggestions, onDecide, onClose } = properties;
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  return (
    <Sheet title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() === '') setMissing(true);
          else onDecide(reason.trim());
        }}
      >
        <label class="field">
          <span>Reason</span>
          <textarea
            rows={3}
            maxLength={2_000}
            value={reason}
            aria-invalid={missing}
            onInput={(event) => {
              setReason(event.currentTarget.value);
              setMissing(false);
            }}
          />
          {missing && (
            <span class="wrong" role="alert">
              A reason is needed: whoever takes this up next reads it.
            </span>
          )}
        </label>
        <div class="row">
          {suggestions.map((suggestion) => (
            <button key={suggestion} type="button" class="chip" onClick={() => setReason(suggestion)}>
              {suggestion}
            </button>
          ))}
        </div>
        <div class="sheet-actions">
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class="danger">
            {action}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
