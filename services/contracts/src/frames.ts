import { z } from 'zod';
import { Check } from './condition.ts';
import { ErrorClass, TokenCount } from './event.ts';
import { frameLimits, resultLimits, taskFileLimits } from './limits.ts';
import { ObjectId, Sha256, TaskId, WorkspaceName } from './names.ts';

/**
 * The closed set of frames on a slot's `control.sock`. Types below 0x80 go to the sandbox, the others come out of it.
 * On the wire: payload length (u32, big endian), type (u8), payload.
 */
export const frameTypes = {
  task: 0x01,
  text: 0x02,
  pack: 0x03,
  stop: 0x04,
  ack: 0x05,
  resend: 0x06,
  hello: 0x81,
  progress: 0x82,
  output: 0x83,
  bundle: 0x84,
  summary: 0x85,
  handoff: 0x86,
  artifact: 0x87,
  plan: 0x88,
  end: 0x89,
} as const;
export type FrameName = keyof typeof frameTypes;

/** Bytes before the data of a chunk frame: index (u16), offset (u64), both big endian. */
export const chunkHeaderBytes = 10;
const chunkFrameBytes = chunkHeaderBytes + frameLimits.chunkBytes;

/** The largest payload of each type, in bytes. */
export const framePayloadLimits = {
  task: frameLimits.taskBytes,
  text: frameLimits.textBytes,
  pack: chunkFrameBytes,
  stop: frameLimits.controlBytes,
  ack: frameLimits.controlBytes,
  resend: frameLimits.controlBytes,
  hello: frameLimits.helloBytes,
  progress: frameLimits.progressBytes,
  output: chunkFrameBytes,
  bundle: chunkFrameBytes,
  summary: frameLimits.summaryBytes,
  handoff: frameLimits.summaryBytes,
  artifact: chunkFrameBytes,
  plan: taskFileLimits.planBytes,
  end: frameLimits.endBytes,
} as const satisfies Record<FrameName, number>;

const bytes = z.int().nonnegative();
const repositoryIndex = z
  .int()
  .min(0)
  .max(frameLimits.repositories - 1);

/**
 * `run` and `plan` start a tool with a model. `verify` runs the task's conditions on exactly the commits that came, without a
 * model, and brings back how each ended. `rebase` carries a result over to another base and brings it back as a result.
 */
export const TaskMode = z.enum(['run', 'plan', 'verify', 'rebase']);
export type TaskMode = z.infer<typeof TaskMode>;

/** `task`: what to do. The packs and texts that it announces follow it; work starts when the last has come. */
export const TaskFrame = z.strictObject({
  task: TaskId,
  mode: TaskMode,
  /** The exact argument vector of the tool; started without a shell, in `/workspace`. Empty where no tool is run. */
  command: z.array(z.string().max(4_096)).max(64),
  /** In mode `verify`: commands for `sh -c`, run one after the other in `/workspace`, all of them whatever the others' ends. */
  conditions: z.array(z.string().max(taskFileLimits.conditionCharacters)).max(taskFileLimits.conditions).optional(),
  model: z.string().max(256),
  step_limit: z.int().positive(),
  token_budget: z.int().positive(),
  interrupt_ms: z.int().positive(),
  terminate_ms: z.int().positive(),
  /** What is kept of each stream; the rest is counted. */
  output_bytes: z.int().positive(),
  /** Beyond it the tool is ended and its work collected. Null: no limit for output, and for the disk what it holds less a reserve. */
  budget: z
    .strictObject({ output_bytes: z.int().positive().nullable(), disk_bytes: z.int().positive().nullable() })
    .optional(),
  repositories: z
    .array(
      z.strictObject({
        name: WorkspaceName,
        base_head: ObjectId,
        pack: z.strictObject({ bytes, sha256: Sha256 }),
        /**
         * In mode `rebase`: the commits `from..head` are to be carried over to `base_head`. The pack then holds `base_head` and
         * `from` with their trees, and the commits between `from` and `head` whole.
         */
        rebase: z.strictObject({ from: ObjectId, head: ObjectId }).optional(),
      }),
    )
    .max(frameLimits.repositories),
  texts: z.int().nonnegative().max(frameLimits.textFrames),
});
export type TaskFrame = z.infer<typeof TaskFrame>;

/** `text`: one named text; the names are closed, so that no path is ever chosen by a peer. */
export const TextFrame = z.strictObject({
  name: z.enum(['objective', 'plan', 'context', 'prompt-plan', 'prompt-run']),
  text: z.string(),
});
export type TextFrame = z.infer<typeof TextFrame>;

export const StopFrame = z.strictObject({ reason: z.string().max(500) });
export type StopFrame = z.infer<typeof StopFrame>;

export const AckFrame = z.strictObject({ task: TaskId });

/** `resend`: what the runner holds already, in bytes; the sandbox goes on from there. Sent on every connection after the first. */
export const ResendFrame = z.strictObject({
  task: TaskId,
  stdout: bytes,
  stderr: bytes,
  bundles: z.array(bytes).max(frameLimits.repositories),
  artifacts: z.array(bytes).max(frameLimits.artifacts),
});
export type ResendFrame = z.infer<typeof ResendFrame>;

/** `hello`: first frame of every connection. `busy` covers everything between the whole task having come and its end. */
export const HelloFrame = z.strictObject({
  protocol: z.literal(1),
  state: z.enum(['idle', 'busy', 'ended']),
  task: TaskId.nullable(),
});
export type HelloFrame = z.infer<typeof HelloFrame>;

export const ProgressFrame = z.strictObject({ summary: z.string().max(2_000), step: z.int().nonnegative().optional() });
export type ProgressFrame = z.infer<typeof ProgressFrame>;

/** Index of an `output` chunk. */
export const outputIndex = { stdout: 0, stderr: 1 } as const;

const Blob = z.strictObject({ bytes, sha256: Sha256 });

/** What a sandbox can know of its own end; the other classes are the runner's own findings. */
export const SandboxErrorClass = ErrorClass.exclude([
  'timeout',
  'protocol',
  'sandbox_lost',
  'file_changed',
  'interrupted_twice',
  'unanswered',
  'precondition_failed',
  'postcondition_failed',
  'budget_tokens',
  'budget_requests',
]);
export type SandboxErrorClass = z.infer<typeof SandboxErrorClass>;

/** `end`: the attempt is over and everything before it was sent; held, with all of it, until `ack`. */
export const EndFrame = z.strictObject({
  task: TaskId,
  /** Of the tool; null when it was ended by a signal or never started. */
  exit_code: z.int().nullable(),
  reason: z.enum(['finished', 'stopped', 'failed']),
  error_class: SandboxErrorClass.optional(),
  message: z.string().max(4_000),
  tokens: TokenCount,
  /** Most that was seen of `/workspace` in use while a tool ran. */
  disk_bytes: bytes.optional(),
  /** With `budget_output` and `budget_disk`: what there was, and what was used when the tool was ended. */
  exceeded: z.strictObject({ limit: bytes, used: bytes }).optional(),
  /** In mode `verify`: one for each condition, in their order. */
  checks: z.array(Check).max(taskFileLimits.conditions).optional(),
  stdout: z.strictObject({ ...Blob.shape, dropped: bytes }),
  stderr: z.strictObject({ ...Blob.shape, dropped: bytes }),
  bundles: z
    .array(
      z.strictObject({
        repository: repositoryIndex,
        head: ObjectId,
        ...Blob.shape,
        bytes: bytes.max(resultLimits.bundleBytes),
      }),
    )
    .max(frameLimits.repositories),
  artifacts: z
    .array(z.strictObject({ ...Blob.shape, bytes: bytes.max(resultLimits.artifactBytes) }))
    .max(frameLimits.artifacts),
});
export type EndFrame = z.infer<typeof EndFrame>;
