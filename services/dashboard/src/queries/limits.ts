/** Bounds of answers beside those of `pageLimits`. */
export const queryLimits = {
  /** Ended tasks on the first page. */
  ended: 30,
  /** Attempts of one task, the newest. */
  attempts: 20,
  /** Of these so many come with the list of what they changed. */
  diffs: 5,
  /** Of a text that stands in an answer; the whole of it is read as a file. */
  textBytes: 128 * 1024,
  /** Of a list of changes that stands in an answer. */
  diffIndexBytes: 8 * 1024 * 1024,
  handoffBytes: 1024 * 1024,
  conditionsBytes: 1024 * 1024,
  /** Names in an attempt's folder that are looked at. */
  artifacts: 1_000,
  days: { most: 366, usual: 30 },
  /** A filter's hits are counted up to here. */
  counted: 300,
  /** Texts that are looked through for one page of a filtered list. */
  scanned: 2_000,
  queryWords: 16,
  /** In characters: of an excerpt, and of that before the first word that was found. */
  excerpt: { length: 240, before: 60 },
  /** Of one file of the configuration, and how many there are. */
  configBytes: 1024 * 1024,
  configFiles: 200,
  /** Waiting tasks whose approvals are shown in one answer. */
  approvals: 100,
} as const;
