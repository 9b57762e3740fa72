import { existsSync } from 'node:fs';
import { AgentHandoff } from '@countersign/contracts/handoff.ts';
import { frameLimits } from '@countersign/contracts/limits.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { outputFiles } from '../task-folder.ts';
import { documented, OllamaDouble, says } from '../testing/ollama-double.ts';
import { ToolRun } from '../testing/tool-run.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Runs a task whose model finishes with these arguments at once. */
async function finishWith(given: unknown, changes: ConstructorParameters<typeof ToolRun>[0] = {}) {
  const server = await OllamaDouble.listen(says(documented.calls(['finish', given])));
  const run = new ToolRun(changes);
  open.push(server, run);
  expect(await run.run(server)).toBe(0);
  return { run, server, isThere: existsSync(outputFiles(run.taskFolder).handoff.path) };
}

describe('the handoff', () => {
  it('is what the model says in its last call', async () => {
    const { run } = await finishWith({
      summary: 'I said hello.',
      next: 'Say goodbye: "now"',
      blocker: '- no compiler\n- no network',
      validation: ['npm test: passed', '', 'lint: not run'],
    });
    expect(AgentHandoff.parse(JSON.parse(run.output('handoff')))).toEqual({
      what: 'I said hello.',
      evidence: { validation: ['npm test: passed', 'lint: not run'] },
      blocker: '- no compiler\n- no network',
      next: 'Say goodbye: "now"',
    });
    expect(run.output('summary')).toContain('> I said hello.');
  });

  it('has only what there is', async () => {
    const { run } = await finishWith({ summary: 'Done.', next: '  ', validation: [] });
    expect(JSON.parse(run.output('handoff'))).toEqual({ what: 'Done.' });
  });

  it.each([[{}], [{ summary: '  ', blocker: '' }]])('is not there when the model says nothing: %j', async (given) => {
    expect((await finishWith(given)).isThere).toBe(false);
  });

  it('does not stand in the way of a finish whose other words are malformed', async () => {
    const { run } = await finishWith({ summary: 'Done.', next: null, blocker: 7, validation: 'all well' });
    expect(JSON.parse(run.output('handoff'))).toEqual({ what: 'Done.' });
  });

  it('is cut, so that it always fits its frame and its form', async () => {
    const long = '\u0001'.repeat(5_000);
    const { run } = await finishWith({ summary: long, next: long, blocker: long, validation: Array(100).fill(long) });
    const written = run.output('handoff');
    expect(Buffer.byteLength(written)).toBeLessThanOrEqual(frameLimits.summaryBytes);
    expect(AgentHandoff.parse(JSON.parse(written)).evidence?.validation).toHaveLength(20);
  });

  it('is none of a plan’s', async () => {
    const { isThere, server } = await finishWith({ summary: '1. Do it', next: 'more' }, { mode: 'plan' });
    expect(isThere).toBe(false);
    expect(JSON.stringify(server.seen[0]?.tools?.at(-1))).not.toContain('blocker');
  });
});
