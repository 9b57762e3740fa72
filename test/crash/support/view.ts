import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEvent } from '@countersign/contracts/event.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { type QueueFolder, queueFolders } from '@countersign/contracts/task-state.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import type { Layout } from '../../../services/runner/src/state/layout.ts';

/** The runs that are there. */
export function runsOf(layout: Layout): string[] {
  return readdirSync(layout.runs)
    .filter((name) => name.startsWith('RUN-'))
    .sort();
}

/** The events of a run's journal, or of the runner's own; none where it was never made. @throws JournalError */
export function eventsOf(path: string): JournalEvent[] {
  return existsSync(path) ? parseJournal(path, readFileSync(path)) : [];
}

/** Every task as the newest event says that it is: what holds after a death. */
export function tasksByJournal(layout: Layout): Map<string, TaskRecord> {
  const tasks = new Map<string, TaskRecord>();
  for (const run of runsOf(layout))
    for (const event of eventsOf(layout.runJournal(run)))
      if (event.data?.['record'] !== undefined) {
        const record = TaskRecord.parse(event.data['record']);
        tasks.set(record.id, record);
      }
  return tasks;
}

/** Every task as its `task.json` says; what people and their commands go by. */
export function tasksByRecord(layout: Layout): Map<string, TaskRecord> {
  const tasks = new Map<string, TaskRecord>();
  for (const run of runsOf(layout)) {
    if (!existsSync(layout.tasks(run))) continue;
    for (const name of readdirSync(layout.tasks(run))) {
      const path = join(layout.task(run, name), 'task.json');
      // Empty where power was lost; recovery writes it anew.
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      if (text !== '') tasks.set(name, TaskRecord.parse(JSON.parse(text)));
    }
  }
  return tasks;
}

/** The files of the queue that people see: folder and name, with what they hold. */
export function queueFiles(layout: Layout): { folder: QueueFolder; name: string; text: string }[] {
  return queueFolders.flatMap((folder) =>
    readdirSync(layout.queue(folder), { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ name }) => ({ folder, name, text: readFileSync(join(layout.queue(folder), name), 'utf8') })),
  );
}
