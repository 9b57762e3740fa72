import type { Charts as ChartsAnswer } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useLocation } from 'preact-iso';
import { useResource } from '../api/resource.ts';
import { BarChart, type Series } from '../charts/bar-chart.tsx';
import { largest } from '../charts/stacked.ts';
import '../design/chart.css';
import { Answer } from '../parts/answer.tsx';
import { Choice } from '../parts/choice.tsx';
import { Head } from '../parts/head.tsx';
import { amount, duration } from '../text/format.ts';

const spans = [7, 30, 90] as const;
const outcomes: readonly Series[] = [
  { name: 'done', word: 'Done', fill: 'fill-good' },
  { name: 'failed', word: 'Failed', fill: 'fill-bad' },
  { name: 'expired', word: 'Expired', fill: 'fill-series-1' },
  { name: 'invalid', word: 'Invalid', fill: 'fill-series-3' },
  { name: 'rejected', word: 'Rejected', fill: 'fill-quiet' },
  { name: 'cancelled', word: 'Cancelled', fill: 'fill-pale' },
];
const modelsShown = 5;
const minuteMs = 60_000;
/** All the tasks of a run change within a few seconds. */
const restMs = 3_000;

/** Outcomes, waiting, durations and tokens by day. */
export function Charts(): JSX.Element {
  const { query, route } = useLocation();
  const days = spans.find((span) => String(span) === query['days']) ?? 30;
  const charts = useResource<ChartsAnswer>(`/api/charts?days=${days}`, ({ tasks }) => tasks.length > 0, { restMs });
  return (
    <>
      <Head title="Charts" tab="Charts">
        <Choice
          label="How many days"
          of={spans.map((value) => ({ value, words: `${value} days` }))}
          chosen={days}
          onChoose={(span) => route(`/charts?days=${span}`, true)}
        />
      </Head>
      <Answer of={charts}>{(data) => <Figures of={data.days} />}</Answer>
    </>
  );
}

function Figures({ of: days }: { readonly of: ChartsAnswer['days'] }): JSX.Element {
  const tokens = largest(
    days.map(({ day, tokens: values }) => ({ day, values })),
    modelsShown,
  );
  const single = (name: 'approval_wait_ms' | 'duration_ms') =>
    days.map((entry) => ({ day: entry.day, values: { [name]: entry[name] ?? 0 } }));
  return (
    <div class="columns charts">
      <BarChart
        title="Outcomes"
        days={days.map(({ day, ended }) => ({ day, values: ended }))}
        series={outcomes}
        say={(value) => String(value)}
      />
      <BarChart
        title="Median time waiting for approval"
        days={single('approval_wait_ms')}
        series={[{ name: 'approval_wait_ms', word: 'Median', fill: 'fill-ask' }]}
        say={duration}
        sayShort={minutes}
        unit={minuteMs}
      />
      <BarChart
        title="Median duration"
        days={single('duration_ms')}
        series={[{ name: 'duration_ms', word: 'Median', fill: 'fill-work' }]}
        say={duration}
        sayShort={minutes}
        unit={minuteMs}
      />
      <BarChart
        title="Tokens by model"
        days={tokens.days}
        series={tokens.series.map((name, index) => ({ name, word: name, fill: `fill-series-${index}` }))}
        say={amount}
      />
    </div>
  );
}

function minutes(ms: number): string {
  return `${ms / minuteMs} m`;
}
