import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@countersign/kit/files.ts';
import { TaskDescription } from '../task-folder.ts';

/** A task as the tool finds it in its folder. */
export type Task = TaskDescription & {
  readonly objective: string;
  readonly context: string | undefined;
  /** The approved plan. */
  readonly plan: string | undefined;
  readonly prompts: { readonly plan: string; readonly run: string };
};

/** @throws Error when the folder does not hold a task */
export async function readTask(taskFolder: string): Promise<Task> {
  const description = TaskDescription.parse(JSON.parse(await readFile(join(taskFolder, 'task.json'), 'utf8')));
  const text = (name: string) => readOptional(join(taskFolder, `${name}.md`));
  const runPrompt = (await text('prompt-run')) ?? '';
  return {
    ...description,
    objective: (await text('objective')) ?? '',
    context: await text('context'),
    plan: await text('plan'),
    prompts: { plan: (await text('prompt-plan')) ?? runPrompt, run: runPrompt },
  };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
