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

/** How much time there still is, going on with the clock. The last minute stands out. */
export function Left({ until }: { readonly until: string }): JSX.Element {
  const ms = Date.parse(until) - clock.value;
  return (
    <time
      class={ms < 60_000 ? 'nowrap tone-warn' : 'nowrap'}
      dateTime={until}
      title={`until ${new Date(until).toLocaleString()}`}
    >
      {ms > 0 ? elapsed(ms) : 'none: it ends any moment'}
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
