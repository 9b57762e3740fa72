/** Bounds of the sandboxes that wait for tasks; milliseconds. */
export const poolLimits = {
  /** One that nobody needed for so long makes room for a new one: what a long life may have done to it is not looked for. */
  idleMs: 60 * 60 * 1_000,
  /** The way to the model of one that waits is opened again this often, where the gateway was restarted. */
  idleRepeatMs: 10_000,
  /** No other one is made while a task is on its way into its sandbox, and no longer than this. */
  dispatchMs: 30_000,
  /** For the gateway, to close the way of a warm one; a new one is quicker then. */
  closeMs: 2_000,
} as const;
