const kib = 1024;

/** Bounds of the built-in tool. Bytes are bytes, `Ms` milliseconds. */
export const toolLimits = {
  /** A model with less context than this never gets to calling a tool. */
  minimumContextTokens: 4_096,
  /** More costs memory on the model's machine and brings little. */
  maximumContextTokens: 32_768,
  /** For estimates: a token is rarely shorter, in text or code. */
  bytesPerToken: 3,
  /** Room for an answer, a quarter of a smaller context. */
  answerTokens: 4_096,
  /** Output of a command, its head and its tail. */
  commandOutputBytes: 32 * kib,
  commandMs: 120_000,
  searchMs: 20_000,
  /** A file larger than this is not read into memory. */
  fileBytes: 2_048 * kib,
  listEntries: 500,
  /** The same call in a row: from the first number on the model is warned, at the second it is over. */
  repeatedCallsWarned: 3,
  repeatedCallsEnded: 5,
  /** Answers in a row without a tool call, and answers in a row that were cut off. */
  answersWithoutCall: 3,
  answersCutOff: 3,
  /** Of one answer of the model's, thinking included. */
  answerBytes: 4_096 * kib,
  /** Steps that the summary lists. */
  summarySteps: 200,
  summaryTextBytes: 24 * kib,
  /** What a handoff holds, in characters; all of it spelt as six bytes each still fits its frame. */
  handoffWords: 2_000,
  handoffLines: 20,
  handoffLine: 200,
} as const;

/** How long the model is waited for. */
export type ModelWaits = {
  /** A model may have to be loaded, and a long prompt read, before the first word. */
  readonly firstChunkMs: number;
  readonly chunkMs: number;
  /** `/api/version` and `/api/show`. */
  readonly answerMs: number;
  /** Tries of a request whose stream broke off. */
  readonly streamAttempts: number;
  /** Before the second try; doubled each time, up to `retryMaximumMs`. */
  readonly retryMs: number;
  readonly retryMaximumMs: number;
  /** A server that is busy or away is waited for this long in all. */
  readonly busyMs: number;
};

export const modelWaits: ModelWaits = {
  firstChunkMs: 600_000,
  chunkMs: 120_000,
  answerMs: 15_000,
  streamAttempts: 3,
  retryMs: 1_000,
  retryMaximumMs: 10_000,
  busyMs: 300_000,
};
