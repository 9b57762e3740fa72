import { modelWaits } from './limits.ts';
import { runTask } from './run-task.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));

const code = await runTask(
  {
    taskFolder: process.env['COUNTERSIGN_TASK_FOLDER'] ?? '/tmp/task',
    workspace: process.cwd(),
    host: process.env['OLLAMA_HOST'] ?? 'http://127.0.0.1:11434',
    waits: modelWaits,
    print: (line) => process.stdout.write(`${line}\n`),
  },
  stop.signal,
);
process.exit(code);
