import type { Attempt } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { Fact } from '../parts/fact.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { ShownText } from '../parts/shown-text.tsx';
import { amount, duration } from '../text/format.ts';
import { Checks } from './checks.tsx';

/** What the next one who takes the task up has to know: facts first, then the agent's own words, which are none. */
export function HandoffView({ attempt }: { readonly attempt: Attempt }): JSX.Element {
  const { handoff, checks, agent_summary: summary } = attempt;
  return (
    <div class="stack">
      {handoff === null && <p class="empty">There is no handoff yet.</p>}
      {handoff !== null && (
        <dl class="facts wide">
          <Fact name="What">
            <Foreign text={handoff.what} />
          </Fact>
          {handoff.blocker !== '' && (
            <Fact name="In the way">
              <Foreign text={handoff.blocker} />
            </Fact>
          )}
          <Fact name="Next">
            <Foreign text={handoff.next} />
          </Fact>
          {handoff.evidence.changed.length > 0 && (
            <Fact name="Changed">
              <Lines of={handoff.evidence.changed} />
            </Fact>
          )}
          {handoff.evidence.validation.length > 0 && (
            <Fact name="Checked">
              <Lines of={handoff.evidence.validation} />
            </Fact>
          )}
          <Fact name="Model">
            <Foreign text={handoff.model} />
          </Fact>
          <Fact name="Took">{duration(handoff.duration_ms)}</Fact>
          {handoff.tokens !== null && (
            <Fact name="Tokens">
              {amount(handoff.tokens.prompt)} in, {amount(handoff.tokens.completion)} out, {handoff.tokens.requests}{' '}
              requests
            </Fact>
          )}
        </dl>
      )}
      <Checks title="Preconditions" of={checks.preconditions} />
      <Checks title="Postconditions" of={checks.postconditions} />
      {summary !== null && (
        <section class="stack tight">
          <h2>
            In the agent's own words <span class="soft">no facts</span>
          </h2>
          <ShownText of={summary} label="The agent's summary" />
        </section>
      )}
    </div>
  );
}

function Lines({ of: lines }: { readonly of: readonly string[] }): JSX.Element {
  return (
    <ul>
      {lines.map((line, index) => (
        <li key={index}>
          <Foreign text={line} />
        </li>
      ))}
    </ul>
  );
}
