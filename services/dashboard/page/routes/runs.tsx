import type { Portfolio, RollUp, RunList, StreamBatch } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { get } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { OutcomeBar } from '../parts/outcome-bar.tsx';
import { Ago, At } from '../parts/time.tsx';
import { amount, counted, duration } from '../text/format.ts';
import { spaced } from '../text/status-words.ts';

/** All the tasks of a run change within a few seconds. */
const restMs = 3_000;
const hasTasks = ({ tasks }: StreamBatch): boolean => tasks.length > 0;

/** What tasks come to together: by run, workspace, tool and model. */
export function Runs(): JSX.Element {
  const runs = useResource<RunList>('/api/runs', hasTasks, { restMs });
  const portfolio = useResource<Portfolio>('/api/portfolio', hasTasks, { restMs });
  return (
    <>
      <Head title="Runs" tab="Runs" />
      <div class="stack">
        <Answer of={portfolio}>
          {({ workspaces, tools, models }) => (
            <div class="columns thirds">
              <Group title="Workspaces" rows={workspaces} />
              <Group title="Tools" rows={tools} />
              <Group title="Models" rows={models} />
            </div>
          )}
        </Answer>
        <Answer of={runs}>{(data) => <RunTable first={data} />}</Answer>
      </div>
    </>
  );
}

type Row = { readonly name: string; readonly last_at?: string | null; readonly roll_up: RollUp };

function Group({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }): JSX.Element {
  return (
    <section class="sheet" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <ul class="roll-ups">
        {rows.map(({ name, last_at: lastAt, roll_up: rollUp }) => (
          <li key={name}>
            <span class="row between">
              <strong>
                <Foreign text={name} />
              </strong>
              <span class="soft small">{counted(rollUp.tasks, 'task')}</span>
            </span>
            <OutcomeBar counts={rollUp.counts} />
            <p class="soft small dot-list meta-line">
              <span>{duration(rollUp.duration_ms)} of work</span>
              <span>{amount(rollUp.tokens.prompt + rollUp.tokens.completion)} tokens</span>
              {lastAt !== undefined && lastAt !== null && <Ago at={lastAt} />}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function RunTable({ first }: { readonly first: RunList }): JSX.Element {
  const [asked, setMore] = useState<(RunList & { readonly behind: string | null }) | null>(null);
  // A run that was begun since pushes others behind the end of the first ones: what followed that end follows it no more.
  const more = asked?.behind === first.next ? asked : null;
  const { next } = more ?? first;
  const runs = [...first.runs, ...(more?.runs ?? [])];
  const ask = async (): Promise<void> => {
    try {
      const answer = await get<RunList>(`/api/runs?after=${encodeURIComponent(next ?? '')}`);
      setMore({ ...answer, behind: first.next, runs: [...(more?.runs ?? []), ...answer.runs] });
    } catch {
      // The frame says that the server is away; the button is still there.
    }
  };
  return (
    <section class="sheet" aria-labelledby="runs-heading">
      <header>
        <h2 id="runs-heading">Runs</h2>
      </header>
      <ul class="runs">
        {runs.map(({ id, workspace, created_at: createdAt, status, summary, roll_up: rollUp }) => (
          <li key={id}>
            <span class="run-name">
              <a href={`/tasks?run=${encodeURIComponent(id)}`}>
                <strong>{id}</strong>
              </a>
              <span class="soft small">
                <Foreign text={workspace} />
              </span>
            </span>
            <span class="run-bar">
              <OutcomeBar counts={rollUp.counts} />
              <span class="soft small">
                {status}: <Foreign text={summary} />
              </span>
            </span>
            <span class="soft small dot-list meta-line run-figures">
              <span>{duration(rollUp.duration_ms)}</span>
              <span>{amount(rollUp.tokens.prompt + rollUp.tokens.completion)} tokens</span>
              <span>{counted(rollUp.attempts, 'attempt')}</span>
              <At at={createdAt} />
              {Object.entries(rollUp.errors).map(([name, count]) => (
                <span key={name} class="tone-bad">
                  {count} {spaced(name)}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {next !== null && (
        <div class="body more-row">
          <button type="button" onClick={() => void ask()}>
            Show more
          </button>
        </div>
      )}
    </section>
  );
}
