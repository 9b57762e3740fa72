/**
 * Every bound of what the bot posts. Bytes are those of UTF-8 JSON, characters code points. A Matrix event has at most 65,536
 * bytes, and what the homeserver puts around a message counts as well.
 */
export const messageLimits = {
  contentBytes: 60_000,
  /** Of the plan, in the plain text and in the HTML. */
  planBodyBytes: 3_000,
  planHtmlBytes: 24_000,
  /** A plan that is longer than either is folded. */
  unfoldedLines: 12,
  unfoldedCharacters: 1_000,
  /** One fact; a file's name and a title fit in, however much of them has to be spelt out. */
  factCharacters: 1_600,
  branchCharacters: 120,
  reasonCharacters: 1_000,
  /** Of the lists in a message about a result; what is more is counted. */
  conditions: 20,
  flaggedFiles: 12,
  refusals: 8,
  /** Persons who are called by name in one message. */
  persons: 20,
  /** Tasks that an answer tells one by one. */
  tasks: 20,
  /** One entry of them: a condition, a path, a reason. */
  entryCharacters: 500,
} as const;
