const all = process.env['COUNTERSIGN_TEST_ALL'] === 'yes';

/** What a test's choices follow from; printed with every failure. */
export const seed = Number(process.env['COUNTERSIGN_TEST_SEED'] ?? Date.now() % 1_000_000);

/** How many of a kind are tried: a few that belong to a change, or many. */
export function roundsOf(quick: number, full: number): number {
  return Number(process.env['COUNTERSIGN_TEST_ROUNDS'] ?? (all ? full : quick));
}

/** A seeded generator of numbers from 0 to 1. */
export function generator(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many of them, spread evenly, with their beginning chosen by chance; all of them when there are no more. */
export function spread<T>(from: readonly T[], count: number, random: () => number): T[] {
  if (count >= from.length) return [...from];
  const stride = from.length / count;
  const first = random() * stride;
  return Array.from({ length: count }, (_none, index) => from[Math.floor(first + index * stride)] as T);
}
