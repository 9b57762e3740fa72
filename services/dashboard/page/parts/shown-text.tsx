import type { ShownText as Shown } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { bytes } from '../text/format.ts';
import { ForeignText } from './foreign.tsx';

/** A text of somebody else's, and how much of it this is. */
export function ShownText({ of: shown, label }: { readonly of: Shown; readonly label: string }): JSX.Element {
  if (shown.text === '') return <p class="soft small">Empty.</p>;
  return (
    <>
      <ForeignText text={shown.text} label={label} />
      {shown.truncated && <p class="soft small">The beginning of {bytes(shown.bytes)}.</p>}
    </>
  );
}
