/** Bounds that concern the agent process alone; those of the protocol are in the contracts. */
export const agentLimits = {
  /** One git command while a tool's work is checked out or collected. */
  gitMs: 120_000,
  /** The same after a stop, when the runner waits with its hand on the switch. */
  gitAfterStopMs: 10_000,
  /** Rounds, each with its wait, in which the last processes of a task are killed. */
  sweepRounds: 100,
  sweepWaitMs: 10,
  /** Progress is the latest word, not a log: at most one frame in this time. */
  progressMs: 1_000,
  /** Characters of a line that are looked at for progress. */
  progressCharacters: 500,
  /** Entries of the artifacts folder that are looked at. */
  artifactEntries: 1_000,
  /** Connections to the model at once. */
  modelConnections: 16,
} as const;
