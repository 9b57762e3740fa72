import type { TimelineEvent } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { Foreign } from '../parts/foreign.tsx';
import { Mark } from '../parts/status.tsx';
import { At } from '../parts/time.tsx';
import { amount, counted, duration } from '../text/format.ts';
import { sentenceCase, spaced, statusWords } from '../text/status-words.ts';

/** What happened to a task, newest first. */
export function Timeline(properties: {
  readonly events: readonly TimelineEvent[];
  readonly leftOut: number;
}): JSX.Element {
  const { events, leftOut } = properties;
  if (events.length === 0) return <p class="empty">Nothing has happened yet.</p>;
  return (
    <>
      <ol class="timeline" reversed>
        {events.map((event) => (
          <li key={event.seq}>
            <span class={`dot ${toneOf(event)}`}>
              <Mark
                shape={
                  event.error_class !== null
                    ? 'cross'
                    : event.status === null
                      ? 'ring'
                      : statusWords[event.status].shape
                }
              />
            </span>
            <div class="happened">
              <span class="row">
                <strong>{sentenceCase(event.event)}</strong>
                {event.error_class !== null && <span class="tag flag">{spaced(event.error_class)}</span>}
              </span>
              {event.summary !== '' && (
                <p>
                  <Foreign text={event.summary} />
                </p>
              )}
              <p class="soft small dot-list meta-line">
                <At at={event.ts} />
                <span>{event.agent_role}</span>
                {event.attempt !== null && <span>attempt {event.attempt}</span>}
                {event.duration_ms !== null && <span>{duration(event.duration_ms)}</span>}
                {event.tokens !== null && <span>{amount(event.tokens.prompt + event.tokens.completion)} tokens</span>}
              </p>
            </div>
          </li>
        ))}
      </ol>
      {leftOut > 0 && <p class="soft small">{counted(leftOut, 'older event')} not shown.</p>}
    </>
  );
}

function toneOf(event: TimelineEvent): string {
  if (event.error_class !== null) return 'tone-bad';
  return event.status === null ? 'tone-quiet' : `tone-${statusWords[event.status].tone}`;
}
