import { parseArgs } from 'node:util';
import { questionOf } from '@countersign/contracts/task-room.ts';
import type { Asking } from './ask-person.ts';

type ReadArguments =
  | { readonly ok: true; readonly asking: Asking; readonly json: boolean }
  | { readonly ok: false; readonly reason: string };

export const usage = `Usage: countersign-ask <question> [--option <text>]… [--default <text>] [--deadline <seconds>] [--json]

Asks the operator, waits, and prints the answer: one of the options, or any text where there is none. When nobody answers
before the deadline (600 s), the default is printed; without one, this attempt is stopped.

Exit codes: 0 answered, or the default; 1 not asked; 2 not understood; 3 nobody answered, and there is no default.
`;

/** What was typed behind `countersign-ask`. */
export function readArguments(words: readonly string[]): ReadArguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  const [text, other] = positionals;
  if (text === undefined) return { ok: false, reason: 'what is the question?' };
  if (other !== undefined) return { ok: false, reason: 'a question is one word for the shell: quote it' };
  const asking: Asking = {
    text,
    options: values.option ?? [],
    ...(values.default === undefined ? {} : { default: values.default }),
    ...(values.deadline === undefined ? {} : { deadline_sec: Number(values.deadline) }),
  };
  const { text: body, ...own } = asking;
  const checked = questionOf({ msgtype: 'm.text', body, 'org.countersign.question': own });
  if (checked.success) return { ok: true, asking, json: values.json === true };
  const [issue] = checked.error.issues;
  return { ok: false, reason: `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not usable'}` };
}

function parse(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    options: {
      option: { type: 'string', multiple: true },
      default: { type: 'string' },
      deadline: { type: 'string' },
      json: { type: 'boolean' },
    },
    allowPositionals: true,
    strict: true,
  });
}
