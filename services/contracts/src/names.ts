import { z } from 'zod';

/** Lower-case letters and digits that cannot be mistaken for one another on a small screen. */
export const taskIdAlphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
export const taskIdLength = 5;

/** A task's name: short enough to type on a phone, or the operator's own from the task file's `id`. */
export const TaskId = z.string().regex(/^[a-z0-9][a-z0-9-]{1,31}$/, 'a task id is 2 to 32 of a-z, 0-9 and -');
export type TaskId = z.infer<typeof TaskId>;

/** A durable task of the memory, `T0147`: what several runs may work for. */
export const MemoryTaskId = z
  .string()
  .regex(/^T\d{4,8}$/, 'a task of the memory is T and at least four digits, such as T0147');
export type MemoryTaskId = z.infer<typeof MemoryTaskId>;

/** `RUN-YYYYMMDD-NNN`; past 999 runs a day the number grows. */
export const RunId = z.string().regex(/^RUN-\d{8}-\d{3,}$/, 'a run is RUN-YYYYMMDD-NNN');
export type RunId = z.infer<typeof RunId>;

/** A folder directly under `workspaces/`; it becomes part of paths and of git refs. */
export const WorkspaceName = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
    'a workspace is 1 to 64 of A-Z, a-z, 0-9, _, - and ., not starting with - or .',
  )
  .refine((name) => !name.includes('..') && !name.endsWith('.lock') && !name.endsWith('.'), 'not a usable folder name');
export type WorkspaceName = z.infer<typeof WorkspaceName>;

/** A slot's folder in the `slots` and `model-slots` volumes: 128 random bits in hexadecimal. */
export const SlotId = z.string().regex(/^[0-9a-f]{32}$/);
export type SlotId = z.infer<typeof SlotId>;

/** A question of a task's: 64 random bits in hexadecimal, so that an answer never fits another one. */
export const QuestionId = z.string().regex(/^[0-9a-f]{16}$/);
export type QuestionId = z.infer<typeof QuestionId>;

/** A SHA-256 in lower-case hexadecimal. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export type Sha256 = z.infer<typeof Sha256>;

/** A git object name, SHA-1 or SHA-256. */
export const ObjectId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
export type ObjectId = z.infer<typeof ObjectId>;

/** ISO 8601, UTC, milliseconds. */
export const Timestamp = z.iso.datetime({ precision: 3 });

/** A branch as the operator names it; what git would read as an option, a range or a path trick is refused. */
export const BranchName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/, 'a branch is letters, digits, _, -, . and /, not starting with -, . or /')
  .refine((name) => !/(?:\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$)/.test(name), 'not a branch name that git accepts');
