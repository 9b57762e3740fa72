import { attachedFileLimits } from '@countersign/contracts/attached-file.ts';

const kib = 1024;
const mib = 1024 * kib;

/** Every bound of the gateway. Bytes are bytes, `Ms` milliseconds; counts are per slot, or of the door, where nothing else is said. */
export const defaultLimits = {
  /** A request's line and headers. */
  headerBytes: 8 * kib,
  headersMs: 10_000,
  /** From a connection's first byte to the last byte of its request's body. */
  requestMs: 60_000,
  /** How often the two waits above are looked at. */
  requestCheckMs: 2_000,
  connections: 64,
  concurrentRequests: 8,
  /** Of a refused request as much is read and dropped, for the client to see the answer; also at the door. */
  bodyBytes: 16 * mib,
  /** Request bodies held in memory at once, for one slot and for all of them: less than the container has, with a body being parsed. */
  heldBytes: 20 * mib,
  heldBytesOfAllSlots: 96 * mib,
  /** What one slot may send in its whole life; every step of a tool sends its conversation again, hence the size. */
  sentBytes: 256 * mib,
  /** Log lines of one slot; a sandbox must not be able to fill the disk. */
  logLines: 10_000,
  slots: 1_024,
  /** From connecting to the upstream's first byte, and between two of its chunks: a model may think for minutes. */
  upstreamIdleMs: 10 * 60_000,
  upstreamConnectMs: 5_000,
  /** How long a connection waits for its server's name to be resolved. */
  resolveMs: 5_000,
  /** So long what a resolution said stands, also when connections fail. */
  resolveAgainMs: 1_000,
  /** A client that takes nothing of a started answer for so long is cut off, for it keeps the model busy. */
  clientStallMs: 60_000,
  /** The end of an answer in which the token counts are looked for. */
  tailBytes: 8 * kib,
  /** What is charged for an answer that does not say what it cost, or broke off: a prompt by its length, an unseen answer by its time. */
  estimatedBytesPerToken: 4,
  estimatedTokensPerSecond: 100,
  /** A body on the control socket. */
  controlBytes: 4 * kib,
  modelReportMs: 3_000,
  modelProbeMs: 5_000,
  modelProbeBytes: 8 * mib,
  /** Time between two turns of the work loop: vanished slots are closed, health is written. */
  sweepMs: 5_000,
  doorRequests: 16,
  /** A message: one event holds 64 KiB, before its JSON is spelt with escapes. */
  doorBodyBytes: 96 * kib,
  doorFileBytes: attachedFileLimits.bytes,
  /** A file, and messages beside it. */
  doorHeldBytes: 4 * mib,
  doorAnswerBytes: 4 * mib,
  /** From sending a request on to its answer's last byte; what a sync is held open for comes on top. */
  doorAnswerMs: 30_000,
  /** Of a task's room: requests at once, and in the slot's whole life; one for each half minute of a day's waiting, and more. */
  roomRequests: 8,
  roomRequestsInAll: 20_000,
  /** A question, each of its characters spelt with escapes. */
  roomBodyBytes: 48 * kib,
  roomSentBytes: 2 * mib,
  /** For how long a question waits for the runner's word, and a sync for an event. */
  roomPostMs: 30_000,
  roomSyncMs: 60_000,
  roomLogLines: 500,
  /** What the runner tells of a room: all its questions and answers. */
  roomToldBytes: mib,
  /** Lines of the door's log in one window; the listener lives for months. */
  doorLogLines: 60,
  doorLogWindowMs: 60_000,
} as const;
export type Limits = { readonly [Key in keyof typeof defaultLimits]: number };

/** What a request's JSON may ask for; part of the policy, the same for every slot. */
export const bodyLimits = {
  depth: 100,
  /** Commas and brackets outside of strings, which bounds the number of values. */
  values: 500_000,
  messages: 10_000,
  tools: 512,
  stopSequences: 32,
  inputs: 2_048,
  contextTokens: 262_144,
  /** Also what is asked for when the client does not say; the model server's own default is to go on for ever. */
  predictTokens: 65_536,
  keepAliveMinimumSeconds: 60,
  keepAliveMaximumSeconds: 60 * 60,
} as const;

/** What a request of the listener may say in its query; part of the policy. */
export const queryLimits = {
  /** One value, encoded. */
  valueCharacters: 2_048,
  syncHoldMs: 60_000,
  messages: 1_000,
} as const;
