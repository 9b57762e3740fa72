import { questionLimits } from '@countersign/contracts/limits.ts';
import { z } from 'zod';
import type { OfferedTool } from './message.ts';

const path = z.string().min(1).max(4_096).describe('Relative to the workspace.');

/** The arguments of every tool; what a model adds beyond them is ignored. */
export const toolArguments = {
  list_files: z.object({ path: path.default('.') }),
  read_file: z.object({
    path,
    from_line: z.coerce.number().int().min(1).default(1).describe('The first line to show.'),
  }),
  search_files: z.object({
    pattern: z.string().min(1).max(1_000).describe('An extended regular expression, as grep -E takes it.'),
    path: path.default('.'),
  }),
  write_file: z.object({ path, content: z.string().describe('The whole new content.') }),
  edit_file: z.object({
    path,
    old_text: z.string().min(1).describe('A text that occurs exactly once in the file.'),
    new_text: z.string().describe('What takes its place.'),
  }),
  run_command: z.object({ command: z.string().min(1).max(32_768).describe('For sh -c, in the workspace.') }),
  ask_operator: z.object({
    question: z.string().min(1).max(questionLimits.textCharacters),
    options: z
      .array(z.string())
      .max(questionLimits.options)
      .default([])
      .describe('What may be answered; none: any text.'),
    default: z.string().optional().describe('What counts when nobody answers in time. Without it the work ends then.'),
    minutes: z.coerce
      .number()
      .int()
      .min(1)
      .max(questionLimits.mostSec / 60)
      .default(10)
      .describe('How long to wait.'),
  }),
  finish: z.object({
    summary: z.string().default(''),
    // For whoever goes on. A call that gives one of them wrongly finishes all the same, without it.
    next: z.string().optional().catch(undefined).describe('What should be done next, if anything.'),
    blocker: z.string().optional().catch(undefined).describe('What kept you from finishing, if anything did.'),
    validation: z.array(z.string()).optional().catch(undefined).describe('Each check that you ran, and how it ended.'),
  }),
} as const;
/** A plan is handed over, and nothing else. */
const planningFinish = toolArguments.finish.pick({ summary: true });
export type ToolName = keyof typeof toolArguments;

const descriptions: Readonly<Record<ToolName, string>> = {
  list_files: 'Lists the files below a folder.',
  read_file: 'Shows a text file.',
  search_files: 'Searches the files below a folder for a pattern.',
  write_file: 'Creates a file, or replaces all of it.',
  edit_file: 'Replaces one text in a file.',
  run_command: 'Runs a shell command. It is ended after two minutes, with everything that it has started.',
  ask_operator:
    'Asks the operator and waits for the answer. Only for what neither the task nor the plan nor the repository can tell you.',
  finish: 'Ends the work. Call it once, when everything is done; the summary says what was done.',
};
const planFinish = 'Ends the planning. The summary is the whole plan, in Markdown, with numbered steps.';

const readOnlyTools: readonly ToolName[] = ['list_files', 'read_file', 'search_files', 'finish'];

export function toolNames(mode: 'run' | 'plan'): readonly ToolName[] {
  return mode === 'plan' ? readOnlyTools : (Object.keys(toolArguments) as ToolName[]);
}

export function offerTools(mode: 'run' | 'plan'): OfferedTool[] {
  return toolNames(mode).map((name) => {
    const isPlan = mode === 'plan' && name === 'finish';
    const schema = isPlan ? planningFinish : toolArguments[name];
    const { $schema: _, additionalProperties: __, ...parameters } = z.toJSONSchema(schema, { io: 'input' });
    const description = isPlan ? planFinish : descriptions[name];
    return { name, description, parameters };
  });
}
