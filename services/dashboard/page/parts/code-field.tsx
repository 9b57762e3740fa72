import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';

/** A one-time code that is being typed. */
export type AskedCode = {
  readonly text: string;
  /** It was needed, and not there. */
  readonly missing: boolean;
  type(text: string): void;
  /** What goes into the command; null where it has to be typed first. */
  take(): { readonly code?: string } | null;
};

/** @param needed whether the runner asks for one */
export function useCode(needed: boolean): AskedCode {
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  return {
    text,
    missing,
    type(typed) {
      setText(typed.replaceAll(/\D/g, ''));
      setMissing(false);
    },
    take() {
      if (!needed) return {};
      if (/^\d{6}$/.test(text)) return { code: text };
      setMissing(true);
      return null;
    },
  };
}

/** Where it is typed. */
export function CodeField({ code, onEnter }: { readonly code: AskedCode; readonly onEnter: () => void }): JSX.Element {
  const hint = useId();
  return (
    <label class="field code-field">
      <span>One-time code</span>
      <input
        inputMode="numeric"
        autocomplete="one-time-code"
        pattern="[0-9]{6}"
        maxLength={6}
        placeholder="000000"
        value={code.text}
        aria-invalid={code.missing}
        aria-describedby={code.missing ? hint : undefined}
        onInput={(event) => code.type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onEnter();
        }}
      />
      {code.missing && (
        <span class="wrong" role="alert" id={hint}>
          Six digits from your authenticator: this stage asks for them.
        </span>
      )}
    </label>
  );
}
