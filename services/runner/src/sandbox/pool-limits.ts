/** Bounds of the sandboxes that wait for tasks; milliseconds. */
export const poolLimits = {
  /** One that nobody needed for so long makes room for a new one: what a long life may have done to it is not looked for. */
  idleMs: 60 * 60 * 1_000,
} as const;
