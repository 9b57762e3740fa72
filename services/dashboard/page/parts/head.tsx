import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';

/** A page's heading and what can be done on all of it; names the browser's tab as well. */
export function Head({
  title,
  tab = title,
  children,
}: {
  title: ComponentChildren;
  tab?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  useEffect(() => {
    if (typeof tab === 'string') document.title = `${tab} · Countersign`;
  }, [tab]);
  return (
    <div class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </div>
  );
}
