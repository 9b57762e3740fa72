/** A seeded generator of numbers from 0 to 1: the same seed, the same numbers. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const all = process.env['COUNTERSIGN_TEST_ALL'] === 'yes';

/** How many rounds a random test makes, and from which seed on; both can be set, to repeat one. */
export function randomRounds(few: number, many: number): { readonly rounds: number; readonly firstSeed: number } {
  return {
    rounds: Number(process.env['COUNTERSIGN_TEST_ROUNDS'] ?? (all ? many : few)),
    firstSeed: Number(process.env['COUNTERSIGN_TEST_SEED'] ?? Date.now() % 1_000_000),
  };
}
