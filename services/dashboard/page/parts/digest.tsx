import type { JSX } from 'preact';

/** A SHA-256, its ends first; the whole of it where one asks. */
export function Digest({ of: digest }: { readonly of: string }): JSX.Element {
  return (
    <code class="digest" title={digest}>
      {digest.slice(0, 12)}
      <span class="hidden-text">{digest.slice(12)}</span>
    </code>
  );
}
