import type { ComponentChildren, JSX } from 'preact';

/** Buttons of which one is pressed. */
export function Choice<T extends string | number>(properties: {
  readonly label: string;
  readonly of: readonly { readonly value: T; readonly words: ComponentChildren }[];
  readonly chosen: T;
  readonly onChoose: (value: T) => void;
}): JSX.Element {
  const { label, of: options, chosen, onChoose } = properties;
  return (
    <fieldset class="choice">
      <legend class="hidden-text">{label}</legend>
      {options.map(({ value, words }) => (
        <button key={value} type="button" class="chip" aria-pressed={value === chosen} onClick={() => onChoose(value)}>
          {words}
        </button>
      ))}
    </fieldset>
  );
}
