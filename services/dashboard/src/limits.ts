const kib = 1024;
const minuteMs = 60_000;

/** Every queue, buffer, wait and size of the dashboard's HTTP side. Bytes are bytes, `Ms` milliseconds. */
export const dashboardLimits = {
  /** A session that nobody uses ends, and each ends after a day's work. */
  sessionIdleMs: 30 * minuteMs,
  sessionMs: 12 * 60 * minuteMs,
  /** Where there are more, the one that was used longest ago ends. */
  sessions: 20,
  /** Sessions are looked at this often: so late may a stream end whose session has. */
  sweepMs: 1_000,
  /** Wrong tokens that are told so; more are told to wait. A right one is never kept waiting. */
  failedLogins: 10,
  failedLoginsMs: minuteMs,
  /** Of one session. */
  commands: 120,
  commandsMs: minuteMs,
  /** Commands whose taps are remembered. */
  taps: 5_000,
  loginBytes: 4 * kib,
  /** How deep a body's objects and lists may lie in each other. */
  jsonDepth: 8,
  headerBytes: 16 * kib,
  headers: 100,
  headersMs: 10_000,
  requestMs: 30_000,
  requestCheckMs: 2_000,
  keepAliveMs: 10_000,
  connections: 512,
  /** Of one stream's batches, that its reader has not taken yet. */
  streamBytes: 2 * kib * kib,
  heartbeatMs: 15_000,
  /** How soon a page tries again. */
  streamRetryMs: 1_000,
  beatMs: 2_000,
} as const;
