import { writeFile } from 'node:fs/promises';
import type { TokenCount } from '@countersign/contracts/event.ts';
import { printableLine } from '../printable.ts';
import { outputFiles } from '../task-folder.ts';
import type { ToolError } from '../tool-error.ts';
import { toolLimits } from './limits.ts';

export type Report = {
  readonly outcome: string;
  readonly model: string;
  readonly tokens: TokenCount;
  readonly steps: readonly string[];
  readonly changes: string;
  /** The model's own words. */
  readonly said: string;
};

const rehearsalNotice =
  'The rehearsal model is no language model: it followed the written instructions word by word, and its words are not to be taken for a model’s work.';

/** `agent-summary.md`: facts first, the model's words after, marked as the model's. */
function writeSummary(report: Report): string {
  const { prompt, completion, requests } = report.tokens;
  const steps = report.steps.slice(0, toolLimits.summarySteps).map((step) => `- ${step}`);
  const more = report.steps.length - steps.length;
  return [
    '# Agent summary',
    '',
    `- Outcome: ${report.outcome}`,
    `- Model: ${printableLine(report.model)}`,
    ...(isRehearsal(report.model) ? [`- ${rehearsalNotice}`] : []),
    `- Steps: ${report.steps.length}`,
    `- Tokens: ${prompt} in, ${completion} out, ${requests} requests`,
    '',
    '## Changes',
    '',
    '```text',
    cut(report.changes.replaceAll('```', "'''")),
    '```',
    '',
    '## Steps',
    '',
    ...(steps.length > 0 ? steps : ['None.']),
    ...(more > 0 ? [`- and ${more} more`] : []),
    '',
    '## In the model’s words',
    '',
    ...(cut(report.said).trim() || 'Nothing.').split('\n').map((line) => `> ${line}`.trimEnd()),
    '',
  ].join('\n');
}

export function isRehearsal(model: string): boolean {
  return model.startsWith('rehearsal');
}

function cut(text: string): string {
  if (text.length <= toolLimits.summaryTextBytes) return text;
  return `${text.slice(0, toolLimits.summaryTextBytes)}\n[cut]`;
}

export async function leaveUsage(taskFolder: string, tokens: TokenCount): Promise<void> {
  await writeFile(outputFiles(taskFolder).usage.path, `${JSON.stringify(tokens)}\n`);
}

export async function leaveSummary(taskFolder: string, report: Report): Promise<void> {
  await writeFile(outputFiles(taskFolder).summary.path, writeSummary(report));
}

export async function leaveError(taskFolder: string, error: ToolError): Promise<void> {
  const message = error.message.slice(0, 4_000);
  await writeFile(outputFiles(taskFolder).error.path, `${JSON.stringify({ ...error, message })}\n`);
}

/** A plan is cut, with a word about it, where the limit of what is accepted back would refuse it. */
export async function leavePlan(taskFolder: string, plan: string): Promise<void> {
  const { path, bytes } = outputFiles(taskFolder).plan;
  const notice = '\n\n[The plan was longer and was cut here.]\n';
  const data = Buffer.from(plan.endsWith('\n') ? plan : `${plan}\n`);
  const room = bytes - Buffer.byteLength(notice);
  const kept =
    data.length <= bytes
      ? data
      : `${data
          .subarray(0, room)
          .toString('utf8')
          .replace(/\uFFFD+$/u, '')}${notice}`;
  await writeFile(path, kept);
}
