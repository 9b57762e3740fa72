import type { ComponentChildren, JSX, Ref } from 'preact';

/** A region that scrolls by itself, and so is reached from the keyboard. */
export function Scrolls(properties: {
  readonly class: string;
  readonly label: string;
  readonly children: ComponentChildren;
  readonly element?: Ref<HTMLElement>;
  readonly onScroll?: () => void;
}): JSX.Element {
  const { class: name, label, children, element, onScroll } = properties;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached from the keyboard
    <section class={name} aria-label={label} tabIndex={0} ref={element} onScroll={onScroll}>
      {children}
    </section>
  );
}
