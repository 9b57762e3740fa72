import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { attention } from '../state/store.ts';

/** A page's heading and what can be done on all of it; names the browser's tab as well, with how much waits for a person. */
export function Head({
  title,
  tab = title,
  children,
}: {
  title: ComponentChildren;
  tab?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  const waiting = attention.value.length;
  useEffect(() => {
    if (typeof tab === 'string') document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${tab} · Countersign`;
  }, [tab, waiting]);
  return (
    <div class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </div>
  );
}
