import { scaleBand, scaleLinear } from 'd3-scale';
import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { Foreign } from '../parts/foreign.tsx';
import { Scrolls } from '../parts/scrolls.tsx';
import { type Day, piecesOf } from './stacked.ts';
import { useWidth } from './use-width.ts';

export type Series = { readonly name: string; readonly word: string; readonly fill: string };
const heightPx = 200;
const margin = { top: 8, right: 4, bottom: 22, left: 48 } as const;

/** Bars by day, one series on another, with the same figures as a table for who does not see them. */
export function BarChart(properties: {
  readonly title: string;
  readonly days: readonly Day[];
  readonly series: readonly Series[];
  /** A value as a person reads it. */
  readonly say: (value: number) => string;
  /** The same for the axis, where there is little room. */
  readonly sayShort?: (value: number) => string;
  /** What a step of the axis is made of: 1, or a minute of milliseconds. */
  readonly unit?: number;
}): JSX.Element {
  const { title, days, series, say, sayShort = say, unit = 1 } = properties;
  const [box, width] = useWidth();
  const heading = useId();
  const names = series.map(({ name }) => name);
  const bars = days.map((day) => ({ day, pieces: piecesOf(day, names) }));
  const top = Math.max(unit, ...bars.map(({ pieces }) => pieces.at(-1)?.to ?? 0));
  const x = scaleBand(
    days.map(({ day }) => day),
    [margin.left, width - margin.right],
  ).padding(0.25);
  const y = scaleLinear([0, top / unit], [heightPx - margin.bottom, margin.top]).nice(4);
  const every = Math.ceil(days.length / Math.max(2, Math.floor(width / 90)));
  const fillOf = new Map(series.map(({ name, fill }) => [name, fill]));
  return (
    <figure class="sheet chart" aria-labelledby={heading}>
      <header>
        <h2 id={heading}>{title}</h2>
        {series.length > 1 && (
          <ul class="legend small">
            {series.map(({ name, word, fill }) => (
              <li key={name}>
                <svg width="10" height="10" aria-hidden="true">
                  <rect width="10" height="10" rx="2" class={fill} />
                </svg>
                <Foreign text={word} />
              </li>
            ))}
          </ul>
        )}
      </header>
      <div class="body">
        <div ref={box}>
          <svg width={width} height={heightPx} viewBox={`0 0 ${width} ${heightPx}`} role="img" aria-label={title}>
            <title>{title}</title>
            {y.ticks(4).map((tick) => (
              <g key={tick} class="tick">
                <line x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
                <text x={margin.left - 8} y={y(tick)} dy="0.32em" text-anchor="end">
                  {sayShort(tick * unit)}
                </text>
              </g>
            ))}
            {bars.map(({ day: { day }, pieces }, index) => (
              <g key={day} class="day">
                <rect
                  class="hover"
                  x={x(day)}
                  y={margin.top}
                  width={x.bandwidth()}
                  height={heightPx - margin.top - margin.bottom}
                >
                  <title>{`${day}: ${pieces.length === 0 ? 'nothing' : pieces.map((piece) => `${word(series, piece.series)} ${say(piece.to - piece.from)}`).join(', ')}`}</title>
                </rect>
                {pieces.map((piece) => (
                  <rect
                    key={piece.series}
                    class={fillOf.get(piece.series)}
                    x={x(day)}
                    y={y(piece.to / unit)}
                    width={x.bandwidth()}
                    height={Math.max(0, y(piece.from / unit) - y(piece.to / unit) - (piece.from > 0 ? 1 : 0))}
                    rx="1.5"
                  />
                ))}
                {(days.length - 1 - index) % every === 0 && (
                  <text
                    class="day-name"
                    x={(x(day) ?? 0) + (index === days.length - 1 ? x.bandwidth() : x.bandwidth() / 2)}
                    y={heightPx - 6}
                    text-anchor={index === days.length - 1 ? 'end' : 'middle'}
                  >
                    {day.slice(5)}
                  </text>
                )}
              </g>
            ))}
          </svg>
        </div>
        <details class="fold small">
          <summary>The same as a table</summary>
          <Scrolls class="scroll-x" label={`${title}, table`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Day</th>
                  {series.map((one) => (
                    <th key={one.name} scope="col" class="number">
                      <Foreign text={one.word} />
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {days.toReversed().map(({ day, values }) => (
                  <tr key={day}>
                    <td class="nowrap">{day}</td>
                    {names.map((name) => (
                      <td key={name} class="number">
                        {Object.hasOwn(values, name) && values[name] ? say(values[name]) : '–'}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scrolls>
        </details>
      </div>
    </figure>
  );
}

function word(series: readonly Series[], name: string): string {
  return series.find((one) => one.name === name)?.word ?? name;
}
