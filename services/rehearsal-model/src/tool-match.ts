import type { Call, JsonSchema, Tool } from './conversation.ts';
import { fitSchema } from './fit-schema.ts';
import type { Instruction } from './instruction.ts';

/** What a tool can be for, told by its name and the arguments that it takes. */
type Purpose = { name: RegExp; arguments: Readonly<Record<string, RegExp>> };

const path = /^(?:file_?)?(?:path|name)$|^file$/i;
const purposes = {
  write: { name: /write|create/i, arguments: { path, content: /^(?:contents?|text|file_?text)$/i } },
  edit: {
    name: /edit|replace/i,
    arguments: { path, oldText: /^old_?(?:text|string|str)$/i, newText: /^new_?(?:text|string|str)$/i },
  },
  run: { name: /run|bash|shell|command|exec|terminal/i, arguments: { command: /^(?:command|cmd)$/i } },
  ask: { name: /^ask/i, arguments: { question: /^(?:question|text|message)$/i } },
  finish: { name: /^(?:finish|done|complete|submit)/i, arguments: { summary: /^(?:summary|result|text|message)$/i } },
} satisfies Record<string, Purpose>;

type PurposeName = keyof typeof purposes;

function callTool(tool: Tool, purpose: Purpose, values: Record<string, string>, reason: string): Call | undefined {
  const names = Object.keys(tool.properties);
  const given: Record<string, unknown> = {};
  for (const [argument, pattern] of Object.entries(purpose.arguments)) {
    const name = names.find((each) => pattern.test(each));
    if (name === undefined) return undefined;
    given[name] = values[argument];
  }
  const anything: JsonSchema = {};
  for (const name of tool.required) given[name] ??= fitSchema(tool.properties[name] ?? anything, reason, []);
  return { name: tool.name, arguments: given };
}

/** Calls the first offered tool that serves the purpose and takes its arguments; undefined when there is none. */
function callFor(tools: readonly Tool[], name: PurposeName, values: Record<string, string>, reason: string) {
  const purpose: Purpose = purposes[name];
  for (const tool of tools) {
    const call = purpose.name.test(tool.name) ? callTool(tool, purpose, values, reason) : undefined;
    if (call) return call;
  }
  return undefined;
}

/** Without a tool that changes anything, a client wants a plan. */
export function isPlanning(tools: readonly Tool[]): boolean {
  return !callFor(tools, 'write', {}, '') && !callFor(tools, 'run', {}, '');
}

export function callFinish(tools: readonly Tool[], summary: string): Call | undefined {
  return callFor(tools, 'finish', { summary }, summary);
}

/** Calls a tool with whatever fits the arguments that it requires. */
export function callAnyhow(tool: Tool): Call {
  const given = tool.required.map((name) => [name, fitSchema(tool.properties[name] ?? {}, '.', [])] as const);
  return { name: tool.name, arguments: Object.fromEntries(given) };
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Finds the call of an offered tool that carries out an instruction.
 *
 * @param line the line that was read, for tools that ask for a description
 * @param summary what to write where a summary is asked for
 */
export function callForInstruction(
  tools: readonly Tool[],
  instruction: Instruction,
  line: string,
  summary: string,
): Call | undefined {
  switch (instruction.kind) {
    case 'create':
      return callFor(tools, 'write', { path: instruction.path, content: instruction.content }, line);
    case 'summarise':
      return callFor(tools, 'write', { path: instruction.path, content: summary }, line);
    case 'append': {
      const file = instruction.path.startsWith('-') ? `./${instruction.path}` : instruction.path;
      const command = `printf '%s\\n' ${quoteForShell(instruction.text)} >> ${quoteForShell(file)}`;
      return callFor(tools, 'run', { command }, line);
    }
    case 'edit': {
      const { path: file, oldText, newText } = instruction;
      return callFor(tools, 'edit', { path: file, oldText, newText }, line);
    }
    case 'run':
      return callFor(tools, 'run', { command: instruction.command }, line);
    case 'ask': {
      const { question, options, silence } = instruction;
      const call = callFor(tools, 'ask', { question }, line);
      // What is offered counts where the tool takes it by these names.
      return call && { ...call, arguments: { ...call.arguments, options, ...(silence && { default: silence }) } };
    }
  }
}
