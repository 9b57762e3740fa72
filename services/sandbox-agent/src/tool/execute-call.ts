import type { z } from 'zod';
import { askOperator } from './ask-operator.ts';
import { runCommand, searchFiles } from './command-tools.ts';
import { PathRefused } from './confine.ts';
import {
  editFile,
  failed,
  listFiles,
  type Place,
  readFileLines,
  type ToolResult,
  writeWholeFile,
} from './file-tools.ts';
import type { Call } from './message.ts';
import { type ToolName, toolArguments, toolNames } from './tool-set.ts';

/** What a call came to; `finished` ends the loop. */
export type Executed =
  | { readonly kind: 'result'; readonly result: ToolResult; readonly label: string }
  | { readonly kind: 'finished'; readonly words: Finish };

/** Does what the model asks for, if it may; whatever is wrong with a call goes back to the model as its result. */
export async function executeCall(
  call: Call,
  mode: 'run' | 'plan',
  place: Place,
  stop: AbortSignal,
): Promise<Executed> {
  const names = toolNames(mode);
  const name = names.find((each) => each === call.name);
  if (name === undefined) return refused(call.name, `there is no tool ${call.name}; the tools are ${names.join(', ')}`);
  const parsed = toolArguments[name].safeParse(parseText(call.arguments));
  if (!parsed.success) return refused(name, `wrong arguments for ${name}: ${explain(parsed.error)}`);
  if (name === 'finish') return { kind: 'finished', words: parsed.data as Finish };
  const label = `${name} ${labelOf(parsed.data)}`;
  try {
    return { kind: 'result', result: await execute(name, parsed.data, place, stop), label };
  } catch (error) {
    if (error instanceof PathRefused) return { kind: 'result', result: failed(error.message), label };
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      return { kind: 'result', result: failed(error.message), label };
    throw error;
  }
}

type Arguments<Name extends ToolName> = z.output<(typeof toolArguments)[Name]>;
export type Finish = Arguments<'finish'>;

async function execute(
  name: Exclude<ToolName, 'finish'>,
  given: unknown,
  place: Place,
  stop: AbortSignal,
): Promise<ToolResult> {
  switch (name) {
    case 'list_files':
      return await listFiles(place, given as Arguments<'list_files'>);
    case 'read_file':
      return await readFileLines(place, given as Arguments<'read_file'>);
    case 'search_files':
      return await searchFiles(place, given as Arguments<'search_files'>, stop);
    case 'write_file':
      return await writeWholeFile(place, given as Arguments<'write_file'>);
    case 'edit_file':
      return await editFile(place, given as Arguments<'edit_file'>);
    case 'run_command':
      return await runCommand(place, given as Arguments<'run_command'>, stop);
    case 'ask_operator':
      return await askOperator(given as Arguments<'ask_operator'>, stop);
  }
}

/** Some models send their arguments as JSON text. */
function parseText(given: unknown): unknown {
  if (typeof given !== 'string') return given;
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

function refused(label: string, message: string): Executed {
  return { kind: 'result', result: failed(message), label };
}

function explain(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'arguments'}: ${message}`).join('; ');
}

function labelOf(given: object): string {
  const { path, command, pattern, question } = given as Partial<
    Record<'path' | 'command' | 'pattern' | 'question', string>
  >;
  return command ?? pattern ?? path ?? question ?? '';
}
