/** One day of a chart: what each series comes to. */
export type Day = { readonly day: string; readonly values: Readonly<Record<string, number>> };

/** A piece of a day's bar, in the chart's own unit. */
export type Piece = { readonly series: string; readonly from: number; readonly to: number };

/** A day's bar, in the order of the series; what is nothing has no piece. Pure. */
export function piecesOf({ values }: Day, series: readonly string[]): Piece[] {
  let top = 0;
  return series.flatMap((name): Piece[] => {
    const value = Object.hasOwn(values, name) ? (values[name] ?? 0) : 0;
    if (value <= 0) return [];
    const from = top;
    top += value;
    return [{ series: name, from, to: top }];
  });
}

/** The largest series by their sums, and what is left of the others under `other`. Pure. */
export function largest(days: readonly Day[], most: number): { readonly series: string[]; readonly days: Day[] } {
  const sums = new Map<string, number>();
  for (const { values } of days)
    for (const [name, value] of Object.entries(values)) sums.set(name, (sums.get(name) ?? 0) + value);
  const ordered = [...sums].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
  if (ordered.length <= most) return { series: ordered, days: [...days] };
  const kept = new Set(ordered.slice(0, most - 1));
  return {
    series: [...kept, 'other'],
    days: days.map(({ day, values }) => {
      const entries = Object.entries(values);
      const other = entries.filter(([name]) => !kept.has(name)).reduce((sum, [, value]) => sum + value, 0);
      return { day, values: Object.fromEntries([...entries.filter(([name]) => kept.has(name)), ['other', other]]) };
    }),
  };
}
