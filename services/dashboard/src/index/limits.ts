/** Bounds of the index and of what is read beside it. */
export const indexLimits = {
  /** Read of a journal at once; more than its longest line. */
  pieceBytes: 1024 * 1024,
  /** File events are a hint; at this rate the sizes of the journals are the truth. */
  pollMs: 250,
  /** The same while no stream is open: a page that is asked for then may be so old where file events get lost. */
  quietPollMs: 1_000,
  /** A hint is acted on after so long: what is written together is read together. */
  hintMs: 10,
  /** So many journals, those that grew last, are looked at in each turn, and of the others so many by turns. */
  hotJournals: 64,
  coldJournals: 64,
  /** Tasks that are kept in memory while journals are read. */
  tasksInMemory: 20_000,
  /** Tasks whose texts are taken into the search in one turn. */
  textsInTurn: 64,
  /** Of these so many are read at the same time. */
  textsAtOnce: 8,
  /** Of one text that is searched, in bytes. */
  textBytes: 64 * 1024,
  /** A stream that is so many changed tasks behind is told to ask for everything anew. */
  behindTasks: 500,
  /** Files of the queue that are no tasks, as far as they are told. */
  files: 200,
  /** The database's file is looked at this often. */
  checkMs: 1_000,
  /** Health and what holds up the queue are looked at this often. */
  troublesMs: 1_000,
  quietTroublesMs: 2_000,
  /** Between two tries to make the index; doubled up to the second. */
  retryMs: { first: 250, most: 10_000 },
  /** Of output and logs that a stream follows, in one batch. */
  followBytes: 64 * 1024,
  /** What a stream is told of an output that was there before it. */
  tailBytes: 16 * 1024,
  /** Tasks and services that one stream may follow. */
  followed: 8,
} as const;
