import type { HouseManifest } from '@countersign/contracts/house.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { ExportReport } from './export-house.ts';
import type { ImportReport } from './import-house.ts';

const shownTasks = 8;

export function exportText({ files, bytes, tasks, with_workspaces, workspaces, left_behind }: ExportReport): string {
  const needed = workspaces.filter(({ needed_by }) => needed_by.length > 0);
  return lines(
    `${files} files, ${bytes} bytes before they were compressed; tasks: ${tasksText(tasks)}.`,
    with_workspaces
      ? `Workspaces: ${workspaces.map(({ name }) => name).join(', ') || 'none'}.`
      : 'Workspaces are not in it (--with-workspaces takes them along).',
    ...(with_workspaces ? [] : needed.map(neededText)),
    ...(!with_workspaces && needed.length > 0
      ? [
          'What these tasks start from, and results that wait for their merge, lie in those repositories alone (refs/agentic, refs/agentic-base).',
        ]
      : []),
    ...(left_behind.length === 0
      ? []
      : ['Neither file, folder nor link, and so left behind:', ...left_behind.map(indented)]),
  );
}

export function importText(report: ImportReport): string {
  const { exported_at, files, bytes, tasks, workspaces_to_bring, links_left_out, kept } = report;
  return lines(
    `The house of ${exported_at} is here: ${files} files, ${bytes} bytes; tasks: ${tasksText(tasks)}.`,
    ...(workspaces_to_bring.length === 0
      ? []
      : [
          'Bring these into workspaces/ before you start, whole, with refs/agentic and refs/agentic-base:',
          ...workspaces_to_bring.map(neededText),
        ]),
    ...(links_left_out.length === 0
      ? []
      : ['Links that lead out of their workspace were not made:', ...links_left_out.map(indented)]),
    ...(kept.length === 0 ? [] : [`What was here before is kept in ${kept.join(' and ')}.`]),
    'What waited for an approval, or had one that was not spent, is planned and asked for anew.',
    'Start it with scripts/up.',
  );
}

function tasksText(tasks: HouseManifest['tasks']): string {
  const words = Object.entries(tasks).map(([status, count]) => `${count} ${status}`);
  return words.length === 0 ? 'none' : words.join(', ');
}

function neededText({ name, needed_by }: HouseManifest['workspaces'][number]): string {
  const more = needed_by.length > shownTasks ? ` and ${needed_by.length - shownTasks} more` : '';
  return `  workspaces/${name}: needed by ${needed_by.slice(0, shownTasks).join(', ')}${more}`;
}

function indented(name: string): string {
  return `  ${name}`;
}

/** Names in it are whatever somebody gave to a file. */
function lines(...all: string[]): string {
  return all.map((line) => `${inertLine(line)}\n`).join('');
}
