/** Sizes and waits of the memory. Bytes are bytes, `Ms` milliseconds. */
export const memoryLimits = {
  /** One file of a person's, or one handoff; a larger one is named and not read. */
  fileBytes: 256 * 1024,
  handoffBytes: 128 * 1024,
  /** Of handoffs, and of tasks, that are kept as they were parsed: as many as fifty large ones have. */
  rememberedBytes: 2 * 1024 * 1024,
  /** Names of one folder that are looked at. */
  folderNames: 50_000,
  /** Files of the whole memory that are compared with what is committed. */
  files: 100_000,
  /** Files that are looked at side by side. */
  looks: 64,
  workspaces: 1_000,
  /** What is not taken in is named up to here. */
  ignoredNames: 100,
  /** Bytes that go to git in one piece. */
  blobBatchBytes: 16 * 1024 * 1024,
  gitMs: 60_000,
  /** Objects that lie by themselves before they are packed, and commits of ours after which they are counted. */
  looseObjects: 2_000,
  commitsBetweenCounts: 200,
  /** How long a lock of somebody's git is waited for. */
  lockWaitMs: 5_000,
  lockRetryMs: 100,
  /** A lock that a git of ours left behind is old after this. */
  staleLockMs: 2 * 60 * 1000,
  /** Changes that wait to be committed. */
  pendingCommits: 1_000,
  /** Changes that wait to be made. */
  queuedTasks: 10_000,
  queuedHandoffs: 10_000,
  batch: 200,
  toldProblems: 1_000,
  retryMs: 30_000,
} as const;
