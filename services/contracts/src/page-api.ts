import { z } from 'zod';
import { purposes } from './attempt-files.ts';
import { NamedCheck } from './condition.ts';
import { Stage } from './config/stages.ts';
import { DiffIndex } from './diff-index.ts';
import { ErrorClass, EventBody, TokenCount } from './event.ts';
import { Handoff } from './handoff.ts';
import { HealthReport } from './health.ts';
import { commandLimits, questionLimits, taskFileLimits } from './limits.ts';
import { MergeRefusal } from './merge.ts';
import { QuestionId, RunId, Sha256, TaskId, Timestamp, WorkspaceName } from './names.ts';
import { OneTimeCode } from './one-time-code.ts';
import { Question } from './question.ts';
import { QueueState } from './queue-state.ts';
import { Run, RunStatus } from './run.ts';
import { ControlledService, ServiceContainer } from './services-api.ts';
import { TaskRecord } from './task-record.ts';
import { TaskStatus } from './task-state.ts';
import { Wait } from './wait.ts';

/**
 * What the dashboard's page asks and is told: JSON over `/api/`, one schema for each answer. Every text that came from a task file, a
 * model, a repository or a homeserver is an attacker's: it is shown as text, never as markup and never as a link.
 */

/** Of one answer; what is more is asked for with `after`. */
export const pageLimits = {
  tasks: 200,
  runs: 100,
  timeline: 500,
  search: 50,
  logLines: 1_000,
  /** Of a search or filter, in characters. */
  queryCharacters: 200,
  /** Of one piece of a file, in bytes. */
  fileBytes: 1024 * 1024,
  /** Of a command's body, in bytes: a submitted file, as JSON. */
  commandBytes: 2 * taskFileLimits.fileBytes + 4_096,
  /** Between two batches of the stream, in milliseconds. */
  batchMs: 100,
  streams: 100,
  /** Tasks whose output one stream brings. */
  followed: 12,
} as const;

const count = z.int().nonnegative();
const durationMs = z.int().nonnegative();
/** Where a list goes on; opaque. */
const Cursor = z.string().max(200);
/** How far the journals had been read: the id of the stream's last batch. */
const Position = z.string().regex(/^[0-9]{1,16}$/);

/** What a person may do with a task as it is now; the runner decides again. */
export const Action = z.enum(['approve', 'reject', 'revoke', 'merge', 'rebase', 'cancel', 'retry', 'answer']);
export type Action = z.infer<typeof Action>;

/** What a task's tool asks, in the tool's own words: hostile text. It is open while `answer` is null. */
export const TaskQuestion = Question.omit({ transaction: true }).extend({
  /** Whether the runner asks for a one-time code. */
  needs_code: z.boolean(),
});
export type TaskQuestion = z.infer<typeof TaskQuestion>;

/** One line of a list. */
export const TaskRow = z.strictObject({
  /** Null for a file that the runner has not taken yet, or that it refused. */
  task: TaskId.nullable(),
  file: z.string(),
  title: z.string(),
  run: RunId.nullable(),
  workspace: z.string().nullable(),
  stage: z.string().nullable(),
  /** `waiting-for-runner` of a file that it has not taken. */
  status: z.union([TaskStatus, z.literal('waiting-for-runner')]),
  reason: z.string(),
  wait: Wait.nullable(),
  since: Timestamp,
  accepted_at: Timestamp.nullable(),
  tool: z.string().nullable(),
  model: z.string().nullable(),
  attempts: count,
  priority: z.int(),
  depends_on: z.array(TaskId),
  /** Of the result; null before there is one. */
  change: z
    .strictObject({
      repositories: count,
      files: count,
      insertions: count,
      deletions: count,
      flags: z.array(z.string()),
    })
    .nullable(),
  error_class: ErrorClass.nullable(),
  /** The newest one of an attempt at work, also after its answer. */
  question: TaskQuestion.nullable(),
  /** Who has it cancelled, and why; null once it has ended. Both are somebody else's words. */
  cancellation: z.strictObject({ user: z.string(), reason: z.string() }).nullable(),
  actions: z.array(Action),
});
export type TaskRow = z.infer<typeof TaskRow>;

/** GET /api/session */
export const Session = z.strictObject({
  /** To be sent as `x-countersign-csrf` with everything that is not a GET. */
  csrf: z.string(),
  idle_expires_at: Timestamp,
  expires_at: Timestamp,
  version: z.string(),
});
export type Session = z.infer<typeof Session>;

/** GET /api/sessions, newest first; DELETE /api/sessions/<id> ends one, DELETE /api/session the one that asks. */
export const Sessions = z.strictObject({
  sessions: z.array(
    z.strictObject({
      /** A name for it that opens nothing. */
      id: z.string(),
      /** The address that it was opened at. */
      host: z.string(),
      /** What the browser says of itself. */
      client: z.string(),
      opened_at: Timestamp,
      used_at: Timestamp,
      expires_at: Timestamp,
      /** The one that asks. */
      own: z.boolean(),
    }),
  ),
});
export type Sessions = z.infer<typeof Sessions>;

/** What is known of one service: what it says of itself, and what the launcher sees of its container where it may look. */
export const ServiceRow = z.strictObject({
  name: z.string(),
  /** `silent`: its last word is old, or there is none. */
  status: z.enum(['ok', 'waiting', 'failing', 'silent']),
  reason: z.string(),
  report: HealthReport.nullable(),
  container: ServiceContainer.nullable(),
  /** Whether `service_start` and `service_stop` are for it. */
  controllable: z.boolean(),
});
export type ServiceRow = z.infer<typeof ServiceRow>;

/** GET /api/services */
export const Services = z.strictObject({
  services: z.array(ServiceRow),
  /** Why the launcher could not be asked; null when it was. */
  launcher: z.string().nullable(),
});
export type Services = z.infer<typeof Services>;

/** GET /api/now */
export const Now = z.strictObject({
  position: Position,
  /** What is at work. */
  running: z.array(TaskRow),
  /** What only a person moves on: questions of tools, approvals, and results to be merged. */
  attention: z.array(TaskRow),
  waiting: z.array(TaskRow),
  /** The last ones that ended. */
  ended: z.array(TaskRow),
  counts: z.partialRecord(TaskStatus, count),
  queue: QueueState.nullable(),
  /** Those that are not `ok`. */
  troubles: z.array(ServiceRow),
});
export type Now = z.infer<typeof Now>;

const query = z.string().trim().max(pageLimits.queryCharacters);

/** The query of GET /api/tasks; newest first. */
export const TaskQuery = z.strictObject({
  status: z.array(TaskStatus).max(TaskStatus.options.length).optional(),
  workspace: WorkspaceName.optional(),
  run: RunId.optional(),
  tool: z.string().max(64).optional(),
  q: query.optional(),
  after: Cursor.optional(),
  limit: z.coerce.number().int().min(1).max(pageLimits.tasks).default(50),
});
export type TaskQuery = z.infer<typeof TaskQuery>;

/** GET /api/tasks */
export const TaskList = z.strictObject({ tasks: z.array(TaskRow), total: count, next: Cursor.nullable() });
export type TaskList = z.infer<typeof TaskList>;

/** One event of a task's timeline. */
export const TimelineEvent = z.strictObject({
  seq: count,
  ts: Timestamp,
  event: EventBody.shape.event,
  phase: EventBody.shape.phase,
  agent_role: EventBody.shape.agent_role,
  attempt: z.int().positive().nullable(),
  status: TaskStatus.nullable(),
  summary: z.string(),
  duration_ms: durationMs.nullable(),
  error_class: ErrorClass.nullable(),
  tokens: TokenCount.nullable(),
});
export type TimelineEvent = z.infer<typeof TimelineEvent>;

/** A text that somebody else wrote, as far as it is shown. */
export const ShownText = z.strictObject({ text: z.string(), bytes: count, truncated: z.boolean() });
export type ShownText = z.infer<typeof ShownText>;

/** A file of an attempt's folder, by our own names for them. */
export const ArtifactRow = z.strictObject({
  name: z.string(),
  kind: z.enum(['context', 'plan', 'log', 'summary', 'handoff', 'diff', 'artifact']),
  bytes: count,
  modified_at: Timestamp,
});
export type ArtifactRow = z.infer<typeof ArtifactRow>;

/**
 * GET /api/tasks/<id>/attempts/<n>/files/<name>?from=: a piece of a file, decoded as UTF-8 and cut between two characters. A negative
 * `from` counts from the file's end.
 */
export const FilePiece = z.strictObject({
  /** In bytes: of the whole file, and where this piece begins and ends. */
  bytes: count,
  from: count,
  to: count,
  text: z.string(),
});
export type FilePiece = z.infer<typeof FilePiece>;

/** One attempt of a task. */
export const Attempt = z.strictObject({
  attempt: z.int().positive(),
  started_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  duration_ms: durationMs.nullable(),
  /** How it ended; null while it is at work. */
  outcome: z.string().nullable(),
  error_class: ErrorClass.nullable(),
  tokens: TokenCount.nullable(),
  context: ShownText.nullable(),
  plan: ShownText.nullable(),
  /** The agent's own words. */
  agent_summary: ShownText.nullable(),
  handoff: Handoff.nullable(),
  diff: z.strictObject({ digest: Sha256, index: DiffIndex }).nullable(),
  checks: z.strictObject({
    preconditions: z.array(NamedCheck).nullable(),
    postconditions: z.array(NamedCheck).nullable(),
  }),
  artifacts: z.array(ArtifactRow),
});
export type Attempt = z.infer<typeof Attempt>;

/** What an approval would bind, as it is shown: facts of ours, in this order. */
export const ApprovalFacts = z.strictObject({
  digest: Sha256,
  expires_at: Timestamp,
  facts: z.array(z.strictObject({ name: z.string(), value: z.string(), flag: z.boolean() })),
  /** The model's words. */
  plan: ShownText,
  /** Whether the runner asks for a one-time code. */
  needs_code: z.boolean(),
});
export type ApprovalFacts = z.infer<typeof ApprovalFacts>;

/** A result that waits to be merged. */
export const Review = z.strictObject({
  digest: Sha256,
  /** Whether its postconditions hold. */
  verified: z.boolean(),
  /** What was in the way when merging was last asked for. */
  refusals: z.array(MergeRefusal),
  /** Whether the runner asks for a one-time code. */
  needs_code: z.boolean(),
});
export type Review = z.infer<typeof Review>;

/** GET /api/tasks/<id> */
export const TaskDetail = z.strictObject({
  position: Position,
  row: TaskRow,
  record: TaskRecord,
  objective: ShownText,
  task_file: ShownText,
  /** Of a task that waits at its gate; its text says why where it cannot be shown. */
  approval: z.union([ApprovalFacts, z.strictObject({ unreadable: z.string() })]).nullable(),
  review: Review.nullable(),
  /** Newest first. */
  timeline: z.array(TimelineEvent).max(pageLimits.timeline),
  timeline_left_out: count,
  /** Newest first. */
  attempts: z.array(Attempt),
});
export type TaskDetail = z.infer<typeof TaskDetail>;

/**
 * GET /api/approvals: everything that a person is asked, with what is to be read before one answers: first the questions of tools, which
 * have a deadline and stand in their rows, then what waits to be decided, each oldest first.
 */
export const Approvals = z.strictObject({
  approvals: z.array(
    z.strictObject({
      row: TaskRow,
      approval: z.union([ApprovalFacts, z.strictObject({ unreadable: z.string() })]).nullable(),
      review: Review.nullable(),
    }),
  ),
});
export type Approvals = z.infer<typeof Approvals>;

/** What tasks come to together. */
const RollUp = z.strictObject({
  tasks: count,
  attempts: count,
  /** How many are in each state. */
  counts: z.partialRecord(TaskStatus, count),
  /** Of work, not of waiting. */
  duration_ms: durationMs,
  tokens: TokenCount,
  errors: z.partialRecord(ErrorClass, count),
});
export type RollUp = z.infer<typeof RollUp>;

/** One line of GET /api/runs. */
export const RunRow = z.strictObject({
  id: RunId,
  workspace: WorkspaceName,
  created_at: Timestamp,
  status: RunStatus,
  summary: Run.shape.summary,
  roll_up: RollUp,
});
export type RunRow = z.infer<typeof RunRow>;

/** GET /api/runs, newest first */
export const RunList = z.strictObject({ runs: z.array(RunRow), next: Cursor.nullable() });
export type RunList = z.infer<typeof RunList>;

/** GET /api/portfolio: by workspace, by tool and by model */
export const Portfolio = z.strictObject({
  workspaces: z.array(z.strictObject({ name: z.string(), last_at: Timestamp.nullable(), roll_up: RollUp })),
  tools: z.array(z.strictObject({ name: z.string(), roll_up: RollUp })),
  models: z.array(z.strictObject({ name: z.string(), roll_up: RollUp })),
});
export type Portfolio = z.infer<typeof Portfolio>;

/** GET /api/charts?days=30: one entry for each day in UTC, also for those on which nothing was. */
export const Charts = z.strictObject({
  days: z.array(
    z.strictObject({
      day: z.iso.date(),
      ended: z.partialRecord(TaskStatus, count),
      /** Medians; null where there is none. */
      approval_wait_ms: durationMs.nullable(),
      duration_ms: durationMs.nullable(),
      tokens: z.record(z.string(), count),
    }),
  ),
});
export type Charts = z.infer<typeof Charts>;

/** GET /api/search?q=: over tasks, plans and handoffs, best first. */
export const SearchResults = z.strictObject({
  results: z.array(
    z.strictObject({
      row: TaskRow,
      found_in: z.enum(['task', 'plan', 'handoff']),
      /** Pieces of the text, in turn as it is and as it was found. */
      excerpt: z.array(z.strictObject({ text: z.string(), found: z.boolean() })),
    }),
  ),
});
export type SearchResults = z.infer<typeof SearchResults>;

/**
 * GET /api/logs/<service>: lines of a log by their place in it, in bytes from the beginning of its oldest file. `?before=<place>` are
 * the last ones that begin before a place, `?after=<place>` the first ones that begin there or later, and without both the last ones.
 */
export const LogLines = z.strictObject({
  service: z.string(),
  /** Bytes that there are. */
  from: count,
  to: count,
  /** Behind the last of these lines: the `after` of the next ones. */
  next: count,
  lines: z.array(z.strictObject({ at: count, text: z.string() })).max(pageLimits.logLines),
});
export type LogLines = z.infer<typeof LogLines>;

/** GET /api/configuration: the files as they are, with what is secret left out on the server. */
export const Configuration = z.strictObject({
  files: z.array(
    z.strictObject({
      name: z.string(),
      sha256: Sha256,
      text: z.string(),
      /** How many values were left out. */
      masked: count,
    }),
  ),
});
export type Configuration = z.infer<typeof Configuration>;

/** GET /api/choices: what a new task may name; `stages` is empty where `stages.yaml` cannot be read. */
export const Choices = z.strictObject({
  workspaces: z.array(z.string()),
  stages: z.array(z.strictObject({ name: z.string(), gate: Stage.shape.gate })),
});
export type Choices = z.infer<typeof Choices>;

const digest = Sha256;
const reason = z.string().max(commandLimits.reasonCharacters);
const code = OneTimeCode;

/** The body of POST /api/commands. What was seen is named by its digest: where it is another one by now, the answer is 409. */
export const CommandRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('approve'), task: TaskId, digest, code: code.optional() }),
  z.strictObject({ kind: z.literal('reject'), task: TaskId, digest: digest.optional(), reason }),
  z.strictObject({ kind: z.literal('revoke'), task: TaskId, command: z.string().max(64) }),
  z.strictObject({
    kind: z.literal('merge'),
    task: TaskId,
    digest,
    unverified: z.literal(true).optional(),
    code: code.optional(),
  }),
  z.strictObject({ kind: z.literal('rebase'), task: TaskId, digest }),
  z.strictObject({ kind: z.literal('cancel'), task: TaskId, reason }),
  z.strictObject({ kind: z.literal('retry'), task: TaskId }),
  z.strictObject({ kind: z.literal('pause'), reason }),
  z.strictObject({ kind: z.literal('resume') }),
  z.strictObject({
    kind: z.literal('submit'),
    file: z.string().min(1).max(taskFileLimits.nameBytes),
    content: z.string().max(taskFileLimits.fileBytes),
  }),
  z.strictObject({ kind: z.literal('service_start'), service: ControlledService }),
  z.strictObject({ kind: z.literal('service_stop'), service: ControlledService }),
]);
export type CommandRequest = z.infer<typeof CommandRequest>;

/** The body of POST /api/tasks/<id>/answer: for exactly this question, and one of its options where it has some. */
export const AnswerRequest = z.strictObject({
  question: QuestionId,
  answer: z.string().min(1).max(questionLimits.answerCharacters),
  code: code.optional(),
});
export type AnswerRequest = z.infer<typeof AnswerRequest>;

/** What a person decides on the page, whichever way it is posted. */
export type Decision = CommandRequest | ({ readonly kind: 'answer'; readonly task: string } & AnswerRequest);

/** 202 of POST /api/commands and POST /api/tasks/<id>/answer; GET /api/commands/<id> says what came of it. */
export const CommandAnswer = z.strictObject({
  id: z.string(),
  /** `waiting`: the runner has not read it yet, and does when it runs. */
  verdict: z.enum(['waiting', 'accepted', 'refused']),
  message: z.string(),
});
export type CommandAnswer = z.infer<typeof CommandAnswer>;

/** Every answer that is no success. */
export const Problem = z.strictObject({
  error: z.enum([
    'no_session',
    'bad_token',
    'bad_request',
    'forbidden_origin',
    'forbidden_host',
    'csrf',
    'not_found',
    'stale',
    'too_large',
    'too_many_requests',
    'index_rebuilding',
    /** What is needed for it does not answer now; nothing was done. */
    'unavailable',
    'internal',
  ]),
  /** For people: what is wrong and what to do next. */
  message: z.string(),
  /** With `stale`: the task as it is now. */
  task: TaskDetail.optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The query of GET /api/stream; a list is the parameter several times. */
export const StreamQuery = z.strictObject({
  /** Where a page that opens another stream goes on, as `Last-Event-ID` says where a broken one does. */
  after: Position.optional(),
  /** Tasks whose output is wanted. */
  task: z.array(TaskId).max(pageLimits.followed).default([]),
  /** The service whose log is wanted. */
  log: z.string().max(64).optional(),
});
export type StreamQuery = z.infer<typeof StreamQuery>;

/**
 * GET /api/stream: Server-Sent Events. A batch at most every 100 ms, whose id is its position; `Last-Event-ID` goes on from there.
 * Where that is too long ago, `reset` tells the page to ask for everything anew.
 */
export const StreamBatch = z.strictObject({
  /** Tasks that changed, as they are now. */
  tasks: z.array(TaskRow),
  /** Output of tasks at work that the stream was asked to follow, in pieces of UTF-8 text. */
  output: z.array(
    z.strictObject({
      task: TaskId,
      attempt: z.int().positive(),
      /** Each part of an attempt has its own output, from byte 0 on. */
      part: z.enum(purposes),
      stream: z.enum(['stdout', 'stderr']),
      at: count,
      text: z.string(),
    }),
  ),
  /** New lines of a service's log that the stream was asked to follow. */
  log: z.array(z.strictObject({ service: z.string(), at: count, text: z.string() })),
  /** Files of the queue that are no tasks, all of them as they are now, where that changed. */
  files: z.array(TaskRow).optional(),
  queue: QueueState.nullable().optional(),
  troubles: z.array(ServiceRow).optional(),
});
export type StreamBatch = z.infer<typeof StreamBatch>;
