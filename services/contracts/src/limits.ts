/**
 * Every queue, buffer, wait and size of the product that has a bound, in one place.
 * Bytes are bytes, `Ms` milliseconds. What an operator may change is in `configs/`, not here.
 */
const kib = 1024;
const mib = 1024 * kib;

/** What a task file and what it leads to may weigh. */
export const taskFileLimits = {
  fileBytes: 256 * kib,
  specBytes: 256 * kib,
  planBytes: 64 * kib,
  /** File-system limit on one name, in bytes of UTF-8. */
  nameBytes: 255,
  /** Preconditions, or postconditions, of one task. */
  conditions: 50,
  conditionCharacters: 1_000,
  /** So many problems of one file are listed. */
  problems: 20,
} as const;

/** Sizes of frames on a slot's control socket, per type; the codec refuses what is larger. */
export const frameLimits = {
  chunkBytes: mib,
  /** Fifty conditions, each character of them spelt as six. */
  taskBytes: 512 * kib,
  /** A task file's text as JSON, where each character may take two bytes. */
  textBytes: mib,
  helloBytes: 4 * kib,
  progressBytes: 16 * kib,
  summaryBytes: 64 * kib,
  endBytes: 64 * kib,
  controlBytes: 4 * kib,
  repositories: 16,
  artifacts: 32,
  textFrames: 32,
} as const;

/** What one attempt may bring back. */
export const resultLimits = {
  bundleBytes: 1024 * mib,
  unpackedBytes: 4096 * mib,
  changedPaths: 50_000,
  /** What file systems hold: of one name, and of a path with the folders above its repository before it. In bytes of UTF-8. */
  changedNameBytes: 255,
  changedPathBytes: 900,
  /** One changed file; a diff of it is made in memory. */
  fileBytes: 256 * mib,
  patchBytes: 1024 * mib,
  /** Everything between a result's arrival and its ref. */
  importMs: 5 * 60 * 1000,
  outputBytes: 16 * mib,
  artifactBytes: 64 * mib,
  /** A result whose bytes do not match their announced digest is asked for this often in all. */
  transferAttempts: 3,
} as const;

/** How an attempt is ended: a `stop` frame, then the signals, each with its wait. */
export const endingLimits = {
  interruptMs: 10_000,
  terminateMs: 5_000,
  /** After the last signal: time for the sandbox to save and send what there is. */
  collectMs: 30_000,
} as const;

export const inboxLimits = {
  /** A file that is written in place is read once its size and time stamps have not changed for this long. */
  settleMs: 2_000,
  /** What was accepted from the spool or the inbox in one turn of the work loop. */
  batch: 500,
  /** Of these so many are read, and made durable, together; their bytes are in memory meanwhile. */
  together: 64,
  /** Files that are looked at, or git processes that are asked about them, at the same time. */
  atOnce: 16,
  /** Files of tasks that only wait are looked at at this rate, by turns, where there are more of them. */
  looksPerSecond: 500,
} as const;

export const commandLimits = {
  /** A submitted file of the largest size, each of its bytes spelt as six in JSON, and the command around it. */
  fileBytes: 2 * mib,
  reasonCharacters: 2_000,
  lineCharacters: 4_000,
  /** How long a command stays good; it may have to wait for the runner to come back. */
  lifetimeMs: 24 * 60 * 60 * 1000,
  verdictWaitMs: 60_000,
  /** So many names of a spool are looked at in one turn. */
  spoolNames: 10_000,
  /** Commands of a channel that are judged in a minute; more wait. */
  verdictsPerMinute: { shell: 1_000, matrix: 120, dashboard: 300 },
} as const;

/** What a task may ask a person. Characters are UTF-16 units. */
export const questionLimits = {
  /** Of one attempt; one at a time. */
  questions: 20,
  textCharacters: 2_000,
  options: 10,
  optionCharacters: 100,
  answerCharacters: 2_000,
  /** From asking to the deadline, in seconds. */
  leastSec: 10,
  usualSec: 10 * 60,
  mostSec: 24 * 60 * 60,
  /** Of one slot that wait for the runner's word at once. */
  posts: 4,
} as const;

/** Guesses at a one-time code: three of a million are right at a time. */
export const codeLimits = {
  /** Time steps before and after the present one whose code is taken as well, for clocks that differ. */
  window: 1,
  /** A code that was sent so long ago can be right no more: that of the step after the sending has passed its window. */
  lifeMs: 90_000,
  /** So many wrong codes within that time, and none is looked at for a while. */
  wrongCodes: 5,
  withinMs: 10 * 60 * 1000,
  lockMs: 60 * 60 * 1000,
} as const;

export const sandboxLimits = {
  /** From the launcher's start of a container to its `hello`. */
  helloMs: 20_000,
  /** A sandbox that lost its runner tries again this often. */
  reconnectMs: 250,
  /** A sandbox that nobody has spoken to for so long, and that has nothing to deliver, ends itself. */
  orphanMs: 15 * 60 * 1000,
  taskSilenceMs: 60_000,
} as const;

export const serviceLimits = {
  /** A request between two services of the stack, without the streamed ones. */
  requestMs: 30_000,
  retryMs: 1_000,
  healthMs: 5_000,
  /** What one service may answer another in one piece. */
  answerBytes: 4 * mib,
  /** Requests that one service has under way at another. */
  connections: 16,
  /** A service whose work loop has not turned for so long is unhealthy. */
  stuckMs: 30_000,
  /** What a service says of itself in `health.json`, and its reason alone, in characters. */
  healthBytes: 64 * kib,
  healthReason: 4_000,
} as const;

/** `run.yaml` follows its tasks at most so often. */
export const runLimits = {
  rewriteMs: 1_000,
} as const;

/** What the runner does at its start with what it finds. */
export const recoveryLimits = {
  /** Tasks whose files are looked at at the same time. */
  tasks: 32,
  /** A half-written file of ours is removed when nobody has touched it for so long. */
  leftoverMs: 10 * 60 * 1000,
  /** So many tasks, or names, are told one by one; more are counted. */
  told: 200,
} as const;

export const journalLimits = {
  lineBytes: 256 * kib,
  /** Written at once, and made durable by one fsync; as much of a tail a loss of power can spoil. */
  groupBytes: 4 * mib,
  /** Kept of a tail that was not wholly written. */
  cutBytes: mib,
  cutsOfOneLine: 20,
  /** A journal's end is told in `heads.jsonl` this often at most, and when the runner ends. */
  headsMs: 1_000,
  /** Given up when the disk is full, so that what a person decides still finds room. */
  reserveBytes: 16 * mib,
  /** The reserve is made again when so much more than its own size is free. */
  reserveSpareBytes: 64 * mib,
} as const;

/** The lock that keeps a second runner from the queue. */
export const lockLimits = {
  /** For one that is just ending. */
  waitMs: 1_000,
  retryMs: 50,
  /** Between two looks whether a home that is gone is back. */
  homeMs: 250,
} as const;

/** One service's log in `logs/<service>/`. */
export const logLimits = {
  fileBytes: 10 * mib,
  /** Beside the one that is written to. */
  oldFiles: 4,
} as const;

/** What an archive of a house may be like. */
export const houseLimits = {
  manifestBytes: 8 * mib,
  /** Of what is sealed in one piece, before it is sealed. */
  chunkBytes: 4 * mib,
  passphraseBytes: { least: 12, most: 1_024 },
  /** One name, relative to the archive's root, in bytes of UTF-8; and how deep folders may lie in each other. */
  nameBytes: 4 * kib,
  depth: 256,
  /** What must stay free on the disk behind everything that is unpacked. */
  spareBytes: 256 * mib,
} as const;
