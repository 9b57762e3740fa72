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
  /** Removing what a condition left in the temporary folders, in five steps of at most this length. */
  clearMs: 5_000,
  /** Characters of a condition that are shown before its output. */
  conditionCharacters: 1_000,
  /** Room for the lines of our own that follow the output of a condition. */
  conditionLineBytes: 128,
  /** A longer row of commits is carried over as a single one. */
  carriedCommits: 5_000,
  /** All commits of a row as git stores them, messages included. */
  commitBytes: 32 * 1024 * 1024,
  /** Files that are named when commits cannot be carried over. */
  namedConflicts: 20,
  /** Time between two looks at how full `/workspace` is. */
  diskLookMs: 250,
  /** Kept free of `/workspace` for git's objects, but never more than the share. */
  diskReserveBytes: 64 * 1024 * 1024,
  diskReserveShare: 0.125,
  /** Of a workspace that is full: names of what changed in it, and the index. */
  changedNamesBytes: 32 * 1024 * 1024,
  indexBytes: 64 * 1024 * 1024,
  /** Files that are named when there was no room for them. */
  namedLeftOut: 5,
  /** Names beside the repositories that are told. */
  namedStrays: 10,
  /** Connections to one of the slot's sockets at once. */
  forwardedConnections: 16,
} as const;
