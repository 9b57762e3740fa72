import { join } from 'node:path';
import { homeSentinelFile } from '@countersign/contracts/home.ts';
import type { RunId, TaskId } from '@countersign/contracts/names.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { folderOf, type QueueFolder } from '@countersign/contracts/task-state.ts';

/** Where everything lies under `volumes/`: the only place that knows. */
export class Layout {
  readonly home: string;
  constructor(home: string) {
    this.home = home;
  }

  get sentinel(): string {
    return join(this.home, homeSentinelFile);
  }
  queue(folder: QueueFolder): string {
    return join(this.home, folder);
  }
  /** Where a task's file is to be, by its state. */
  fileOf(record: TaskRecord): string {
    return join(this.queue(folderOf[record.state.status]), record.file);
  }
  get workspaces(): string {
    return join(this.home, 'workspaces');
  }
  get memory(): string {
    return join(this.home, 'memory');
  }
  get runs(): string {
    return join(this.home, 'runs');
  }
  /** Made again when it is missing. */
  get packCache(): string {
    return join(this.runs, '.cache', 'packs');
  }
  get logs(): string {
    return join(this.home, 'logs', 'runner');
  }
  get ownJournal(): string {
    return join(this.runs, 'telemetry.jsonl');
  }
  /** How far each journal had come. */
  get heads(): string {
    return join(this.runs, 'heads.jsonl');
  }
  /** Held by the one runner of this home. */
  get lock(): string {
    return join(this.runs, '.runner.lock');
  }
  /** Room for what people decide on a full disk. */
  get reserve(): string {
    return join(this.runs, '.reserve');
  }
  run(run: RunId): string {
    return join(this.runs, run);
  }
  runFile(run: RunId): string {
    return join(this.run(run), 'run.yaml');
  }
  runJournal(run: RunId): string {
    return join(this.run(run), 'telemetry.jsonl');
  }
  tasks(run: RunId): string {
    return join(this.run(run), 'tasks');
  }
  task(run: RunId, task: TaskId): string {
    return join(this.tasks(run), task);
  }
  /** @param attempt the task's newest one by default */
  attempt(record: TaskRecord, attempt = record.attempts): string {
    return join(this.task(record.run, record.id), 'attempts', String(attempt));
  }
  /** The attempt's folder as events and people name it, relative to `volumes/`. */
  attemptName(record: TaskRecord): string {
    return `${taskFolder(record)}/attempts/${record.attempts}`;
  }
}
