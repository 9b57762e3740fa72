export const confinementLimits = {
  /** For all that is tried in one sandbox. */
  timeMs: 60_000,
  outputBytes: 64 * 1024,
  /** So many of those that workspaces have are remembered. */
  workspaceImages: 50,
  /** What did not hold, or could not be tried, is tried again after so long. */
  againMs: { leaks: 60_000, untried: 5_000 },
} as const;
