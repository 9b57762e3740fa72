import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputFiles, type TaskDescription } from '../task-folder.ts';
import { runTask } from '../tool/run-task.ts';
import { type OllamaDouble, shortWaits } from './ollama-double.ts';
import { makeRepository, operatorGit } from './repository.ts';

/** A task folder and a checkout for the built-in tool, as the agent process lays them out. */
export class ToolRun {
  readonly folder = mkdtempSync(join(tmpdir(), 'tool-run-'));
  readonly workspace = join(this.folder, 'workspace');
  readonly taskFolder = join(this.folder, 'task');
  readonly printed: string[] = [];
  readonly stop = new AbortController();

  constructor(changes: Partial<TaskDescription> = {}, texts: Record<string, string> = {}) {
    makeRepository(this.workspace, 'demo');
    operatorGit(this.workspace, ['config', 'user.name', 'Countersign agent']);
    operatorGit(this.workspace, ['config', 'user.email', 'agent@countersign.invalid']);
    mkdirSync(outputFiles(this.taskFolder).artifacts, { recursive: true });
    const task: TaskDescription = {
      task: 'abcde',
      mode: 'run',
      model: 'llama3.2',
      step_limit: 10,
      token_budget: 100_000,
      repositories: ['demo'],
      ...changes,
    };
    this.write('task.json', JSON.stringify(task));
    const all = {
      objective: '# Objective\nSay hello.',
      plan: '1. Write hello.txt',
      'prompt-run': 'RUN',
      'prompt-plan': 'PLAN',
      ...texts,
    };
    for (const [name, text] of Object.entries(all)) if (text !== '') this.write(`${name}.md`, text);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.taskFolder, name), text);
  }

  async run(server: OllamaDouble): Promise<number> {
    const print = (line: string) => void this.printed.push(line);
    const { workspace, taskFolder } = this;
    return await runTask({ taskFolder, workspace, host: server.host, waits: shortWaits, print }, this.stop.signal);
  }

  output(name: 'plan' | 'summary' | 'handoff' | 'usage' | 'error'): string {
    return readFileSync(outputFiles(this.taskFolder)[name].path, 'utf8');
  }

  file(path: string): string {
    return readFileSync(join(this.workspace, path), 'utf8');
  }

  git(...args: readonly string[]): string {
    return operatorGit(this.workspace, args).toString().trim();
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
