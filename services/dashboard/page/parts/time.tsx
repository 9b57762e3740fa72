import type { JSX } from 'preact';
import { clock } from '../state/clock.ts';
import { ago, clockTime, elapsed } from '../text/format.ts';

/** How long ago, going on with the clock. */
export function Ago({ at }: { readonly at: string }): JSX.Element {
  return (
    <time class="nowrap" dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(at, clock.value)}
    </time>
  );
}

/** How long it has been at it, going on with the clock. */
export function Elapsed({ since }: { readonly since: string }): JSX.Element {
  return (
    <time class="nowrap" dateTime={since} title={`since ${new Date(since).toLocaleString()}`}>
      {elapsed(clock.value - Date.parse(since))}
    </time>
  );
}

export function At({ at }: { readonly at: string }): JSX.Element {
  return (
    <time class="nowrap" dateTime={at} title={new Date(at).toLocaleString()}>
      {clockTime(at, clock.value)}
    </time>
  );
}
