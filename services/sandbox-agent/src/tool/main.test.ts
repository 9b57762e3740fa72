import { afterEach, expect, it } from 'vitest';
import { startProcess } from '../process.ts';
import { documented, OllamaDouble, says } from '../testing/ollama-double.ts';
import { ToolRun } from '../testing/tool-run.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

it('as a process: commits, says that it was stopped, and exits 130 on SIGINT', async () => {
  const server = await OllamaDouble.listen(
    says(documented.calls(['write_file', { path: 'begun.txt', content: 'x' }])),
    says(documented.calls(['run_command', { command: 'touch started; sleep 60' }])),
  );
  const run = new ToolRun();
  open.push(server, run);
  const tool = startProcess({
    argv: [process.execPath, `${import.meta.dirname}/main.ts`],
    cwd: run.workspace,
    env: { PATH: process.env['PATH'] ?? '', OLLAMA_HOST: server.host, COUNTERSIGN_TASK_FOLDER: run.taskFolder },
  });
  let printed = '';
  let complained = '';
  tool.stdout.on('data', (data) => {
    printed += String(data);
  });
  tool.stderr.on('data', (data) => {
    complained += String(data);
  });
  await expect.poll(() => run.git('status', '--short'), { timeout: 10_000 }).toContain('started');
  tool.signal('SIGINT');
  expect(await tool.ended).toEqual({ kind: 'exited', code: 130 });
  expect(printed).toMatch(/^model llama3.2, 8192 tokens of context, native calls\nstep 1: write_file begun.txt\n/);
  expect(complained).toBe('');
  expect(run.git('show', '--stat', 'HEAD')).toContain('begun.txt');
  expect(run.output('summary')).toContain('- Outcome: stopped');
});
