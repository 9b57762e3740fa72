import type { Conversation } from './conversation.ts';
import { linesOf, readTurns } from './conversation.ts';
import { directivePattern } from './directives.ts';
import { type Instruction, parseInstruction } from './instruction.ts';
import { maximumTasks } from './limits.ts';

export type Task = { line: string; instruction: Instruction };
export type TaskList = { tasks: Task[]; notUnderstood: string[] };
type Section = { title: string; lines: string[]; approved: boolean };

const heading = /^#{1,6}\s+(.+?)\s*#*$/;
const numbered = /^\s{0,3}\d{1,3}[.)]\s+(.+)$/;
const listMark = /^\s*(?:[-*+]\s+(?:\[.\]\s+)?|\d{1,3}[.)]\s+|>\s?)/;
/** A setting such as `stage: dev`, or a rule: part of a task file, but nothing to do. */
const noTask = /^(?:[a-z_]+:(?:\s|$)|---|```|<\/?[\w-]+>)/;

function splitSections(text: string): Section[] {
  const sections: Section[] = [{ title: '', lines: [], approved: false }];
  let approved = false;
  for (const line of linesOf(text)) {
    if (/approved[ _-]plan/i.test(line) && /^\s*[#<]|:\s*$/.test(line)) approved = true;
    const title = heading.exec(line)?.[1];
    if (title === undefined) sections.at(-1)?.lines.push(line);
    else sections.push({ title, lines: [], approved });
  }
  return sections;
}

function numberedLines(section: Section): string[] {
  return section.lines.flatMap((line) => numbered.exec(line)?.[1]?.trim() ?? []);
}

/** The approved plan's tasks before all others; else the last list, for what is told last is the task at hand. */
function findNumberedTasks(text: string): string[] {
  const lists = splitSections(text)
    .filter(({ title }) => /^(?:[\w-]+\s+){0,2}(?:plan|tasks)\b/i.test(title))
    .map((section) => ({ ...section, lines: numberedLines(section) }))
    .filter(({ lines }) => lines.length > 0);
  return (lists.find(({ approved }) => approved) ?? lists.at(-1))?.lines ?? [];
}

function findObjectiveLines(text: string): string[] {
  const sections = splitSections(text);
  const objective = sections.find(({ title }) => /^objective\b/i.test(title));
  return (objective ? [objective] : sections)
    .flatMap(({ lines }) => lines)
    .map((line) => line.replace(listMark, '').trim())
    .filter((line) => line !== '' && !noTask.test(line));
}

/**
 * Finds what a conversation asks for: the numbered tasks of the approved plan or of the execution plan,
 * or else the lines of the objective.
 */
export function findTasks(conversation: Conversation): TaskList {
  const { system, user } = readTurns(conversation);
  const candidates = [findNumberedTasks(user), findNumberedTasks(system), findObjectiveLines(user)];
  const lines = candidates.find((list) => list.length > 0) ?? [];
  const list: TaskList = { tasks: [], notUnderstood: [] };
  for (const line of lines.filter((each) => !directivePattern.test(each)).slice(0, maximumTasks)) {
    const instruction = parseInstruction(line);
    if (instruction) list.tasks.push({ line, instruction });
    else list.notUnderstood.push(line);
  }
  return list;
}
