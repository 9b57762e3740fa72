import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Assigner, shell } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';
import { leaveDeadSocket, ModelServer } from '../support/sandbox-model.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;
let model: ModelServer;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('run');
  assigner = await Assigner.open(sandboxes.folder);
  model = await ModelServer.start();
});
afterEach(() => sandboxes.clear());
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await sandboxes[Symbol.asyncDispose]();
});

async function startWithModel() {
  const sandbox = await sandboxes.start();
  await model.openDoor(sandbox.modelFolder);
  return sandbox;
}

const objective = 'create hello.txt with good morning\nrun cat hello.txt > copy.txt\ngenerate a summary';

describe.each([
  ['rehearsal', 'native'],
  ['rehearsal-no-tools', 'structured'],
])('a whole run with %s', (name, style) => {
  test(`is done by ${style} calls, committed and reported`, async () => {
    const sandbox = await startWithModel();
    const result = await assigner.run(sandbox, { model: name, objective });

    expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished', message: 'finished' });
    expect(result.end).not.toHaveProperty('error_class');
    expect(await result.file('hello.txt')).toBe('good morning');
    expect(await result.file('copy.txt')).toBe('good morning');
    expect(await result.file('readme.md')).toBe('# demo');
    expect(await result.subjects()).toEqual(['create hello.txt with good morning']);

    const printed = String(await result.stdout());
    expect(printed).toContain(`${style} calls`);
    expect(printed).toMatch(/^step 1: write_file hello\.txt$/m);
    expect(result.summary).toContain('- Outcome: finished');
    expect(result.summary).toContain('is no language model');
    expect(result.end.tokens.requests).toBe(5);

    await result.acknowledge();
    await expect.poll(() => sandbox.state(), { timeout: 10_000 }).toMatchObject({ state: 'ended', exit_code: 0 });
  });
});

describe('before any work starts', () => {
  const refused = async (sandbox: Awaited<ReturnType<typeof startWithModel>>, name: string) => {
    const result = await assigner.run(sandbox, { model: name, objective });
    expect(result.end).toMatchObject({ exit_code: 10, reason: 'failed', bundles: [], tokens: { requests: 0 } });
    expect(String(await result.stdout())).not.toContain('step ');
    expect(await result.received()).toEqual([]);
    return result.end;
  };

  test('a context that is too small is said, with both figures', async () => {
    const end = await refused(await startWithModel(), 'rehearsal-small-context');
    expect(end.error_class).toBe('model_context_too_small');
    expect(end.message).toMatch(/has a context of 2048 tokens.* needs \d{4,}/);
  });

  test('a model that is not there is named', async () => {
    const end = await refused(await startWithModel(), 'no-such-model:7b');
    expect(end.error_class).toBe('model_missing');
    expect(end.message).toContain('no-such-model:7b');
  });

  test('a slot without a way to the model is said', async () => {
    const end = await refused(await sandboxes.start(), 'rehearsal');
    expect(end.error_class).toBe('model_unreachable');
  });

  test('a way to the model that nobody listens on is said', async () => {
    const sandbox = await sandboxes.start();
    await leaveDeadSocket(sandbox.modelFolder);
    const end = await refused(sandbox, 'rehearsal');
    expect(end.error_class).toBe('model_unreachable');
  });
});

describe('in plan mode', () => {
  test('the built-in agent hands over a plan and changes nothing', async () => {
    const sandbox = await startWithModel();
    const result = await assigner.run(sandbox, { mode: 'plan', objective });
    expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished', bundles: [], artifacts: [] });
    expect(result.plan).toContain('1. create hello.txt with good morning');
    expect(await sandbox.exec('git', '-C', '/workspace', 'status', '--porcelain')).toBe('');
  });

  test('nothing but the plan comes back from a tool that leaves everything else', async () => {
    const sandbox = await sandboxes.start();
    const command = shell(`
      echo x > /workspace/uncommitted.txt
      git -C /workspace commit -q --allow-empty -m 'by the planner'
      cd /tmp/task/out && echo plan > plan.md
      echo summary > agent-summary.md; echo handoff > handoff.md; echo artifact > artifacts/one`);
    const result = await assigner.run(sandbox, { mode: 'plan', command });
    expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished', bundles: [], artifacts: [] });
    expect([result.plan, result.summary]).toEqual(['plan\n', null]);
    expect(await result.received()).toEqual([]);
    // It did change its workspace; that is not what is collected.
    expect(await sandbox.exec('cat', '/workspace/uncommitted.txt')).toBe('x\n');
  });

  test('a tool without a plan has failed', async () => {
    const result = await assigner.run(await sandboxes.start(), { mode: 'plan', command: shell('echo x > f') });
    expect(result.end).toMatchObject({ exit_code: 0, reason: 'failed', error_class: 'plan_missing', bundles: [] });
  });
});
