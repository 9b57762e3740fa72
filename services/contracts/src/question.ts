import { z } from 'zod';
import { Channel, User } from './command.ts';
import { inertLine } from './inert-text.ts';
import { questionLimits } from './limits.ts';
import { QuestionId, Timestamp } from './names.ts';

/** What a sandbox calls what it sends, as Matrix has it: the same again is the same question. */
export const TransactionId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export type TransactionId = z.infer<typeof TransactionId>;

/** One line that shows as it is: what a person picks and what the tool gets back are the same characters. */
const Option = z
  .string()
  .min(1)
  .max(questionLimits.optionCharacters)
  .refine((text) => text === inertLine(text) && text === text.trim(), 'an option is one line without anything hidden');

const AnswerText = z.string().min(1).max(questionLimits.answerCharacters);

const asked = {
  text: z.string().min(1).max(questionLimits.textCharacters),
  /** What may be answered; empty: any text. */
  options: z
    .array(Option)
    .max(questionLimits.options)
    .refine((options) => new Set(options).size === options.length, 'two options are the same'),
  /** What silence comes to; null: the attempt is stopped. */
  default: AnswerText.nullable(),
};
type Asked = z.infer<z.ZodObject<typeof asked>>;

function defaultIsOffered({ options, default: silence }: Asked): boolean {
  return silence === null || options.length === 0 || options.includes(silence);
}

/** A question as a tool puts it. Hostile, its text above all: whoever shows it makes it inert. */
export const AskedQuestion = z
  .strictObject({
    ...asked,
    /** From asking; never longer than the task's own time. */
    deadline_sec: z.int().min(questionLimits.leastSec).max(questionLimits.mostSec).default(questionLimits.usualSec),
  })
  .refine(defaultIsOffered, 'the default is none of the options');
export type AskedQuestion = z.infer<typeof AskedQuestion>;

/** How a question came to its end: a person's word, nobody's word in time with or without a default, or nobody left to be told. */
export const AnswerOutcome = z.enum(['answered', 'default', 'stopped', 'withdrawn']);
export type AnswerOutcome = z.infer<typeof AnswerOutcome>;

const at = { at: Timestamp };

/** A question's end. What it says is data for the tool, and never an approval. */
const Answer = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('answered'),
    text: AnswerText,
    channel: Channel,
    user: User,
    command: z.string(),
    ...at,
  }),
  z.strictObject({ outcome: z.literal('default'), text: AnswerText, ...at }),
  /** There was no default: the attempt is stopped. */
  z.strictObject({ outcome: z.literal('stopped'), ...at }),
  z.strictObject({ outcome: z.literal('withdrawn'), ...at }),
]);
export type Answer = z.infer<typeof Answer>;

/** A question as the runner keeps it, in the record of the task that asked. Open while `answer` is null. */
export const Question = z.strictObject({
  id: QuestionId,
  transaction: TransactionId,
  /** Of its attempt's, from 1. */
  number: z.int().positive().max(questionLimits.questions),
  ...asked,
  asked_at: Timestamp,
  deadline: Timestamp,
  answer: Answer.nullable(),
});
export type Question = z.infer<typeof Question>;

/**
 * What a person means who types `words`: the option that is spelt so, in any case where only one is, or that has this number. Null
 * when none is meant. Without options it is the words themselves. Pure.
 */
export function meantAnswer({ options }: Pick<Question, 'options'>, words: string): string | null {
  const typed = words.trim();
  if (options.length === 0) return AnswerText.safeParse(typed).success ? typed : null;
  if (options.includes(typed)) return typed;
  const alike = options.filter((option) => option.toLowerCase() === typed.toLowerCase());
  if (alike.length === 1) return alike[0] ?? null;
  return /^\d{1,2}$/.test(typed) ? (options[Number(typed) - 1] ?? null) : null;
}
