import type { CallStyle, Message, OfferedTool } from './message.ts';
import type { Task } from './read-task.ts';
import { describeTools } from './structured.ts';

/** The first two messages of a conversation; everything in them is there for the whole of it. */
export function openConversation(
  task: Task,
  purpose: 'run' | 'plan',
  plan: string | undefined,
  tools: readonly OfferedTool[],
  style: CallStyle,
): Message[] {
  const prompt = task.prompts[purpose];
  const system = style === 'structured' && tools.length > 0 ? `${prompt}\n\n${describeTools(tools)}` : prompt;
  const parts = [
    ['Context', task.context],
    ['Repositories', whereabouts(task.repositories)],
    ['Objective', task.objective],
    [task.plan === undefined ? 'Plan' : 'Approved plan', plan],
  ] as const;
  const sections = parts.filter(([, text]) => text?.trim()).map(([title, text]) => `# ${title}\n\n${text?.trim()}`);
  return [
    { role: 'system', content: system },
    { role: 'user', content: sections.join('\n\n') },
  ];
}

/** One repository is the working folder itself, and nothing has to be said. */
function whereabouts(repositories: readonly string[]): string | undefined {
  if (repositories.length < 2) return undefined;
  const folders = repositories.map((name) => `- ${name}/`);
  return [
    'This task has several repositories. Each is a folder of your working folder; what lies beside them is not kept.',
    '',
    ...folders,
  ].join('\n');
}

/** A commit's subject, from what the task is about. */
export function titleOf(task: Task): string {
  const lines = task.objective.split(/\r?\n/).map((line) => line.trim());
  const section = lines.findIndex((line) => /^#{1,6}\s+objective\b/i.test(line));
  const candidates = section === -1 ? lines : lines.slice(section + 1);
  const line = candidates.map((each) => each.replace(/^#{1,6}\s+/, '')).find((each) => each !== '' && each !== '---');
  const title = (line ?? `Work of task ${task.task}`).replaceAll(/[\p{Cc}\p{Cf}]/gu, '');
  return title.length > 72 ? `${title.slice(0, 71)}…` : title;
}
