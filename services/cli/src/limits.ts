/** Every bound of the command line's own. Bytes are bytes, `Ms` milliseconds. */
export const cliLimits = {
  /** Between two looks at the record of a task that is waited for. */
  pollMs: 200,
  /** For the end of a merge whose command was accepted; it may wait for other work. */
  mergeWaitMs: 15 * 60 * 1000,
  /** For a sandbox, for what is carried over in it, and for the postconditions that are checked anew. */
  rebaseWaitMs: 2 * 60 * 60 * 1000,
  /** For what is at work on a cancelled task to save what there is and end. */
  cancelWaitMs: 5 * 60 * 1000,
  /** Of each repository's patch that is shown unless more is asked for. */
  patchBytes: 256 * 1024,
  /** The most that can be asked for; more of it is looked at with a pager on the file itself. */
  patchBytesMost: 64 * 1024 * 1024,
  /** A larger patch is not read by `audit`. */
  auditPatchBytes: 64 * 1024 * 1024,
  /** What a client wrote of the room. */
  roomBytes: 32 * 1024 * 1024,
  /** How often `audit` looks while the runner works; only what it finds each time is told. */
  auditRounds: 4,
  auditRoundMs: 500,
  /** Findings that are listed, and notes. */
  auditListed: 200,
  /** Files that deserve eyes, of those that `show` lists. */
  flaggedFiles: 40,
} as const;
