import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { commandLimits, questionLimits, taskFileLimits } from './limits.ts';
import { QuestionId, Sha256, Timestamp } from './names.ts';
import { OneTimeCode } from './one-time-code.ts';
import { isSignedBy, Signature, signatureOf } from './signature.ts';

export const Channel = z.enum(['shell', 'matrix', 'dashboard']);
export type Channel = z.infer<typeof Channel>;

/** A task as a person names it: its id, or the bare name of its file. */
const TaskReference = z.string().min(1).max(taskFileLimits.nameBytes);
const Reason = z.string().max(commandLimits.reasonCharacters);

/** Of everything that a person signs by one of our services. */
export const signedFields = {
  version: z.literal(1),
  /** Chosen by the writer; the same id is carried out once, however often it is delivered. */
  id: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
  /** What shows that the person meant it: `argv` for the shell, an event id for Matrix, a request id for the page. */
  evidence: z.string().max(1_000),
  issued_at: Timestamp,
  expires_at: Timestamp,
  key_id: z.string().regex(/^[a-z]+-[0-9a-f]{16}$/),
};

export const User = z.string().min(1).max(255);
const common = { ...signedFields, actor: z.strictObject({ channel: Channel, user: User }) };

/**
 * Where a stage demands a second factor. Beside the subject and not in it: no digest of what was asked for, which a journal may
 * keep, can be tried for its million codes. It is never written down.
 */
const code = OneTimeCode.optional();

const unsigned = [
  z.strictObject({
    ...common,
    kind: z.literal('approve'),
    subject: z.strictObject({ task: TaskReference, digest: Sha256 }),
    code,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('reject'),
    subject: z.strictObject({ task: TaskReference, digest: Sha256.optional(), reason: Reason }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('merge'),
    /** `unverified`: although no postcondition was checked. */
    subject: z.strictObject({ task: TaskReference, digest: Sha256, unverified: z.literal(true).optional() }),
    code,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('rebase'),
    subject: z.strictObject({ task: TaskReference, digest: Sha256 }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('submit'),
    subject: z.strictObject({ file: z.string().min(1), content: z.string().max(taskFileLimits.fileBytes) }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('send'),
    subject: z.strictObject({ text: z.string().min(1).max(commandLimits.lineCharacters) }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('clean'),
    /** Of what ended so many days ago or earlier, only what is no work. */
    subject: z.strictObject({ older_than_days: z.int().min(0).max(10_000) }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('cancel'),
    /** Ends a task, whatever it is at; what its attempt has come to is kept. */
    subject: z.strictObject({ task: TaskReference, reason: Reason }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('retry'),
    /** One new attempt of a task that has ended without success, beside the ones before. */
    subject: z.strictObject({ task: TaskReference }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('pause'),
    /** From now on nothing is begun but merges; what runs goes on. */
    subject: z.strictObject({ reason: Reason }),
  }),
  z.strictObject({ ...common, kind: z.literal('resume'), subject: z.strictObject({}) }),
  z.strictObject({
    ...common,
    kind: z.literal('revoke'),
    /** Takes an approval back that has not been spent: the command by which it was given. */
    subject: z.strictObject({ task: TaskReference, command: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/) }),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('answer'),
    /** What a task's tool is told: one of the question's options, or any text where it has none. It is data, and allows nothing. */
    subject: z.strictObject({
      task: TaskReference,
      question: QuestionId,
      answer: z.string().min(1).max(questionLimits.answerCharacters),
    }),
    code,
  }),
] as const;

/** What a person asks the runner to do, before it is signed. */
export const UnsignedCommand = z.discriminatedUnion('kind', unsigned);
export type UnsignedCommand = z.infer<typeof UnsignedCommand>;

const signature = Signature;

/** One file of a spool. */
export const Command = z.discriminatedUnion('kind', [
  unsigned[0].extend({ signature }),
  unsigned[1].extend({ signature }),
  unsigned[2].extend({ signature }),
  unsigned[3].extend({ signature }),
  unsigned[4].extend({ signature }),
  unsigned[5].extend({ signature }),
  unsigned[6].extend({ signature }),
  unsigned[7].extend({ signature }),
  unsigned[8].extend({ signature }),
  unsigned[9].extend({ signature }),
  unsigned[10].extend({ signature }),
  unsigned[11].extend({ signature }),
  unsigned[12].extend({ signature }),
]);
export type Command = z.infer<typeof Command>;

/** What each channel may ask for. A channel's key, in the wrong hands, is worth no more than this. */
export const kindsOf: Readonly<Record<Channel, readonly Command['kind'][]>> = {
  shell: [
    'approve',
    'reject',
    'revoke',
    'merge',
    'rebase',
    'cancel',
    'retry',
    'pause',
    'resume',
    'answer',
    'submit',
    'send',
    'clean',
  ],
  matrix: ['approve', 'reject', 'revoke', 'merge', 'rebase', 'cancel', 'retry', 'pause', 'resume', 'answer', 'submit'],
  dashboard: [
    'approve',
    'reject',
    'revoke',
    'merge',
    'rebase',
    'cancel',
    'retry',
    'pause',
    'resume',
    'answer',
    'submit',
    'send',
  ],
};

/** The name of a command's file in a spool. The runner goes by the names' order, which is the order in which they were given. */
export function commandFileName({ id, issued_at }: Command): string {
  return `${String(Date.parse(issued_at)).padStart(15, '0')}-${id}.json`;
}

/** Signs with Ed25519 over the canonical JSON of everything but the signature. */
export function signCommand(command: UnsignedCommand, key: KeyObject): Command {
  return Command.parse({ ...command, signature: signatureOf(command, key) });
}

export function isSignatureGood(command: Command, key: KeyObject): boolean {
  const { signature: encoded, ...rest } = command;
  return isSignedBy(rest, encoded, key);
}

/** @throws Error when the text is no PEM of an Ed25519 key. */
export function readSigningKey(pem: string): KeyObject {
  return assertEd25519(createPrivateKey(pem));
}

/** @throws Error when the text is no PEM of an Ed25519 key. */
export function readVerifyingKey(pem: string): KeyObject {
  return assertEd25519(createPublicKey(pem));
}

function assertEd25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`an Ed25519 key is needed, this one is ${key.asymmetricKeyType}`);
  return key;
}
