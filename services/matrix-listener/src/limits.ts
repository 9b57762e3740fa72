const kib = 1024;
const mib = 1024 * kib;

/** Every bound of the listener. Bytes are bytes, `Ms` milliseconds. */
export const listenerLimits = {
  /** How long the homeserver holds a sync open in which nothing happens. */
  syncHoldMs: 30_000,
  /** Any request, beside the time for which a sync is held. */
  requestMs: 30_000,
  /** One answer of the homeserver. */
  answerBytes: 4 * mib,
  /** Values that one answer may hold, told by its commas and brackets. */
  answerValues: 500_000,
  /** So many at once: a homeserver takes nearly as long for a few as for many. Of a sync Synapse tells no more than a hundred. */
  timelineEvents: 400,
  /** So few of the largest size fit into an answer with all that a homeserver may tell beside each: edits and threads. */
  fewEvents: 2,
  /** A homeserver that answers with more events than this does not keep to what it was asked for. */
  answerEvents: 1_000,
  /** Between two syncs, also when the homeserver holds none open. */
  syncPauseMs: 50,
  /** Pages of a gap that are gone through for one sync; the next one goes on where it was. */
  gapPages: 500,
  /** Ids of handled events that are kept; a command's id, made from its event's, keeps older ones from counting twice. */
  handled: 5_000,
  /** Gate messages of tasks that have ended, or are not known any more, for the answer to whoever still answers them. */
  closedGates: 500,
  /** Tasks that have not ended and that can be named; of more, the runner is asked by what was typed. */
  tasks: 1_000,
  /** Approvals that were passed on and that can be taken back by withdrawing what was said. */
  approvals: 500,
  /** Breakers of which the room was told that they are open. */
  breakers: 200,
  /** What a task waits for is told when it has waited for so long. */
  waitPatienceMs: 30_000,
  /** Of waits that are to be told at once, so many are told one by one, and the others counted. */
  waitLines: 5,
  waitCharacters: 500,
  /** Messages that wait to be sent; while there are more, neither journals nor the room are read on. */
  outgoing: 100,
  /** Between two edits of messages, so that what happens quickly is one of them, and a homeserver has room for what asks. */
  editPauseMs: 1_000,
  /** Requests that were taken back while they waited to be sent. */
  withdrawn: 100,
  /** Commands whose verdict is not in the journal yet, and the last ones that have theirs. */
  commands: 500,
  /** After so long without a verdict the room is told that the command is kept. */
  verdictPatienceMs: 15_000,
  /** Answers to people who may not decide, in one minute; what they write beyond that is only logged. */
  strangerAnswers: 5,
  strangerWindowMs: 60_000,
  /** Answers to questions, in one minute; further ones are only logged. Who asks may be a program that answers the bot. */
  questionAnswers: 10,
  questionWindowMs: 60_000,
  /** An older question is not answered: whoever asked it no longer waits. */
  questionAgeMs: 60 * 60 * 1000,
  /** Of a task's output so much of its end is read. */
  outputEndBytes: 16 * kib,
  /** A larger patch is not read: nothing of it is shown that was not checked. */
  patchBytes: 2 * mib,
  /** Of a result so many patches are attached; of more, as of larger ones, the message says how they are shown. */
  files: 8,
  /** A file that the homeserver cannot take for so long is left out, and one that it does not give is refused. */
  filePatienceMs: 2 * 60_000,
  /** Records that are read at the same time. */
  recordsAtOnce: 16,
  /** Lines of the log in one minute about what others do in the room. */
  logLines: 60,
  logWindowMs: 60_000,
  /** A message of ours that no sync has brought for so long after the first lies before them all. */
  absentMs: 60_000,
  /** Of what was said too long ago so much is named in the one message about it. */
  lateShown: 10,
  lateCharacters: 100,
  /** An answer that is older than a command may get is not made one. */
  answerAgeMs: 24 * 60 * 60 * 1000,
  answerCharacters: 3_000,
  /** What the door says went wrong. */
  reasonCharacters: 500,
  retryMinimumMs: 500,
  retryMaximumMs: 10_000,
  /** A homeserver that asks for a longer pause is asked again all the same. */
  retryAfterMaximumMs: 5 * 60_000,
  /** Between two looks at the journals that are likely to grow, and at all of them. */
  followMs: 400,
  followAllMs: 10_000,
  /** A journal that has not grown for so long is looked at only with all of them. */
  quietAfterMs: 10 * 60 * 1000,
  pieceBytes: mib,
  /** A request for approval whose bytes do not fit each other is looked at again for so long: it may just be being replaced. */
  settleMs: 10_000,
  beatMs: 2_000,
  /** Between two looks at the file of the bot's token. */
  tokenLookMs: 2_000,
} as const;
