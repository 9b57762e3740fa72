import type { ContextInput, Quoted } from './context-input.ts';
import { handoffItem } from './handoff-item.ts';
import { clipLine, firstLines, quote, sizeOf } from './quote.ts';

/** One part of the packet that is taken whole or left out. `text` is null for what is known by name and size only. */
export type Item = { readonly label: string; readonly text: string | null };
export type Section = {
  readonly title: string;
  /** What stands there when there is nothing. */
  readonly absent: string;
  readonly items: readonly Item[];
  /** Between two items. */
  readonly separator: string;
  /** Part of the whole packet that it may take before the others had theirs. */
  readonly share: number;
  /** What else is to be said in the list of what was left out. */
  readonly missing: readonly string[];
};

const pathBytes = 200;
const factBytes = 300;

/** Everything that could stand in a packet, in its order. @param budgetBytes of the whole packet */
export function sectionsOf(input: ContextInput, budgetBytes: number): readonly Section[] {
  const { memory } = input;
  return [
    section('Task', '', taskFacts(input), 1),
    memoryTask(input, budgetBytes),
    section('Repositories', 'There is no repository.', repositories(input), 0.2),
    section(
      'Toolchain',
      'Nothing is known of it: look at what the sandbox has.',
      lines('toolchain', toolchain(input)),
      0.1,
    ),
    section(
      'Conditions that will be checked',
      'No conditions are checked: the result will be unverified.',
      conditions(input),
      0.2,
    ),
    section('Previous attempts of this task', 'This is the first attempt.', attempts(input), 0.1),
    material('Decisions', 'No decisions are recorded.', memory.decisions, memory.unread.decisions, 0.25),
    section('Related tasks', noRelated(memory.otherTasks), related(input), 0.05),
    material('Notes', 'There are no notes.', memory.notes, memory.unread.notes, 0.15),
    {
      ...section('Last handoffs', 'No earlier handoffs.', memory.handoffs.map(handoffItem), 0.3),
      separator: '\n\n',
      missing: [
        ...(memory.handoffsOlder > 0 ? [`${memory.handoffsOlder} older handoffs were not looked at`] : []),
        ...(memory.handoffsSkipped > 0 ? [`${memory.handoffsSkipped} handoffs cannot be read`] : []),
      ],
    },
  ];
}

function section(title: string, absent: string, items: readonly Item[], share: number): Section {
  return { title, absent, items, separator: '\n', share, missing: [] };
}

function material(title: string, absent: string, files: readonly Quoted[], unread: number, share: number): Section {
  const items = files.map(({ path, bytes, text }): Item => {
    const label = `${clipLine(path, pathBytes)} (${sizeOf(bytes)})`;
    return { label, text: text === null ? null : [`### ${clipLine(path, pathBytes)}`, '', ...quote(text)].join('\n') };
  });
  const missing = unread > 0 ? [`${title.toLowerCase()}: ${unread} more files were not looked at`] : [];
  return { ...section(title, absent, items, share), separator: '\n\n', missing };
}

function lines(label: string, texts: readonly string[]): Item[] {
  return texts.map((text, index) => ({ label: `${label} ${index + 1}`, text: `- ${text}` }));
}

function taskFacts({ task }: ContextInput): Item[] {
  const facts = [
    `task: ${task.id} (${clipLine(task.title, factBytes)})`,
    `run: ${task.run}, attempt ${task.attempt}, ${task.mode === 'plan' ? 'planning only' : 'carrying out'}`,
    `workspace: ${clipLine(task.workspace, factBytes)}`,
    `stage: ${clipLine(task.stage, factBytes)}`,
    `model: ${clipLine(task.model, factBytes)}`,
    `time limit: ${task.timeoutSec} s`,
    task.safeMode ? 'safe mode: do not delete files, do not run destructive commands' : 'safe mode: off',
    'network: none; dependencies cannot be fetched',
  ];
  return [{ label: 'the facts of the task', text: facts.map((fact) => `- ${fact}`).join('\n') }];
}

function memoryTask({ memory: { memoryTask: found } }: ContextInput, budgetBytes: number): Section {
  const share = 0.35;
  const none = section('Memory task', 'There is no memory task: this run stands by itself.', [], share);
  if (found.status === 'none') return none;
  if (found.status === 'refused') return { ...none, absent: `It cannot be read: ${clipLine(found.reason, factBytes)}` };
  const { id, title, status, base_branch, path, body } = found.task;
  const meant = base_branch === undefined ? '' : `, meant for ${clipLine(base_branch, pathBytes)}`;
  const head = `${id} (${clipLine(title, factBytes)}), ${status}${meant}; memory/${clipLine(path, pathBytes)}`;
  const whole = body === '' ? [] : quote(body);
  const shown = firstLines(whole, budgetBytes * share);
  const bytes = Buffer.byteLength(body);
  const missing =
    shown.length === whole.length
      ? []
      : [`${clipLine(path, pathBytes)} from line ${shown.length + 1} of its text on (${sizeOf(bytes)} in all)`];
  const text = body === '' ? ['It has no text.'] : shown;
  const items = [
    { label: `${id}: title and status`, text: `- ${head}` },
    ...(text.length === 0
      ? []
      : [{ label: `${clipLine(path, pathBytes)} (${sizeOf(bytes)})`, text: `\n${text.join('\n')}` }]),
  ];
  return { ...none, items, missing };
}

function repositories(input: ContextInput): Item[] {
  return lines(
    'repository',
    input.repositories.map(
      ({ name, branch, baseHead, checkout }) =>
        `${clipLine(name, factBytes)}: checked out at ${clipLine(checkout, factBytes)}; branch ${clipLine(branch, factBytes)}; base commit ${baseHead}`,
    ),
  );
}

function toolchain(input: ContextInput): string[] {
  return input.toolchain === null ? [] : [clipLine(input.toolchain, factBytes)];
}

function conditions({ preconditions, postconditions }: ContextInput): Item[] {
  const say = (when: string, command: string) => `${when}: ${clipLine(command, 1_200)}`;
  return [
    ...lines(
      'postcondition',
      postconditions.map((command) => say('after the work', command)),
    ),
    ...lines(
      'precondition',
      preconditions.map((command) => say('before the work', command)),
    ),
  ];
}

function attempts({ previousAttempts }: ContextInput): Item[] {
  return previousAttempts.toReversed().map(({ attempt, endedAt, how }) => ({
    label: `attempt ${attempt}`,
    text: `- attempt ${attempt}${endedAt === null ? '' : ` (${endedAt})`}: ${clipLine(how, 600)}`,
  }));
}

function related({ memory }: ContextInput): Item[] {
  return memory.relatedTasks.map(({ id, title, status }) => ({
    label: `related task ${id}`,
    text: `- ${id} (${clipLine(title, factBytes)}), ${status}`,
  }));
}

function noRelated(others: number): string {
  if (others === 0) return 'No other tasks are recorded.';
  return `No task shares a word with this one's title; there ${others === 1 ? 'is 1 other' : `are ${others} others`}.`;
}
