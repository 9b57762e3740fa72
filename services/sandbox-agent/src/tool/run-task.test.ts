import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { documented, OllamaDouble, type Scripted, says } from '../testing/ollama-double.ts';
import { ToolRun } from '../testing/tool-run.ts';

const { calls, content, done } = documented;
const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});
async function serve(...script: readonly Scripted[]): Promise<OllamaDouble> {
  const server = await OllamaDouble.listen(...script);
  open.push(server);
  return server;
}
function prepare(...given: ConstructorParameters<typeof ToolRun>): ToolRun {
  const run = new ToolRun(...given);
  open.push(run);
  return run;
}
const finish = says(calls(['finish', { summary: 'I said hello.' }]));
const lastMessage = (server: OllamaDouble) => server.seen.at(-1)?.messages.at(-1);

describe('a run', () => {
  it('calls tools until it finishes, commits, and leaves summary and usage', async () => {
    const server = await serve(
      says(calls(['write_file', { path: 'greetings/hello.txt', content: 'hello\n' }])),
      says(
        calls(['read_file', { path: 'readme.md' }], ['run_command', { command: 'cat greetings/hello.txt; exit 3' }]),
      ),
      says(calls(['edit_file', { path: 'readme.md', old_text: '# demo', new_text: '# Demo' }])),
      finish,
    );
    const run = prepare();
    expect(await run.run(server)).toBe(0);
    expect(run.git('log', '--format=%an: %s', '-1')).toBe('Countersign agent: Say hello.');
    expect(run.git('show', 'HEAD:greetings/hello.txt')).toBe('hello');
    expect(run.file('readme.md')).toBe('# Demo\n');
    expect(run.git('status', '--short')).toBe('');
    expect(JSON.parse(run.output('usage'))).toEqual({ prompt: 4 * 169, completion: 4 * 15, requests: 4 });
    expect(run.output('summary')).toContain('- Outcome: finished\n- Model: llama3.2\n- Steps: 5\n');
    expect(run.output('summary')).toContain('greetings/hello.txt | 1 +');
    expect(run.output('summary')).toContain('> I said hello.');
    expect(run.output('summary')).not.toContain('rehearsal');
    expect(run.printed.slice(1)).toEqual([
      'step 1: write_file greetings/hello.txt',
      'step 2: read_file readme.md',
      'step 2: run_command cat greetings/hello.txt; exit 3 (failed)',
      'step 3: edit_file readme.md',
      'step 4: finish',
    ]);
    expect(server.seen[2]?.messages.slice(-3)).toEqual([
      expect.objectContaining({ role: 'assistant', tool_calls: [expect.anything(), expect.anything()] }),
      { role: 'tool', tool_name: 'read_file', content: '# demo\n' },
      { role: 'tool', tool_name: 'run_command', content: 'exit code 3\nhello\n' },
    ]);
  });

  it('carries an approved plan out without making another', async () => {
    const server = await serve(finish);
    expect(await prepare().run(server)).toBe(0);
    const [system, user] = server.seen[0]?.messages ?? [];
    expect(system).toEqual({ role: 'system', content: 'RUN' });
    expect(user?.content).toContain('# Approved plan\n\n1. Write hello.txt');
    expect(server.seen[0]?.tools?.map((tool) => tool.function.name)).toContain('run_command');
  });

  it('makes a plan first when there is none, with one call and no tools', async () => {
    const server = await serve(says(content('1. my own plan')), finish);
    expect(await prepare({}, { plan: '' }).run(server)).toBe(0);
    expect(server.seen[0]?.tools).toBeUndefined();
    expect(server.seen[0]?.messages[0]?.content).toBe('PLAN');
    expect(server.seen[1]?.messages[1]?.content).toContain('# Plan\n\n1. my own plan');
  });

  it('says of the rehearsal model that it is none', async () => {
    const run = prepare({ model: 'rehearsal' });
    expect(await run.run(await serve(finish))).toBe(0);
    expect(run.output('summary')).toContain('no language model');
    expect(run.printed[0]).toContain('no language model');
  });

  it('works in every repository', async () => {
    const run = prepare({ repositories: ['one', 'two'] });
    for (const name of ['one', 'two']) {
      run.git('clone', '-q', '.', name);
      run.git('-C', name, 'config', 'user.name', 'Countersign agent');
      run.git('-C', name, 'config', 'user.email', 'agent@countersign.invalid');
    }
    const server = await serve(says(calls(['write_file', { path: 'two/x', content: 'x' }])), finish);
    expect(await run.run(server)).toBe(0);
    expect(run.git('-C', 'two', 'log', '--format=%s', '-1')).toBe('Say hello.');
    expect(run.git('-C', 'one', 'log', '--format=%s', '-1')).toBe('second');
  });
});

describe('planning', () => {
  it('offers no tool that changes anything, and refuses one that is called all the same', async () => {
    const server = await serve(
      says(calls(['run_command', { command: 'touch evil' }])),
      says(calls(['write_file', { path: 'evil', content: '' }])),
      says(calls(['finish', { summary: '1. Do it' }])),
    );
    const run = prepare({ mode: 'plan' }, { plan: '' });
    expect(await run.run(server)).toBe(0);
    expect(run.output('plan')).toBe('1. Do it\n');
    expect(server.seen[0]?.tools?.map((tool) => tool.function.name)).toEqual([
      'list_files',
      'read_file',
      'search_files',
      'finish',
    ]);
    expect(server.seen[1]?.messages.at(-1)?.content).toContain('there is no tool run_command');
    expect(existsSync(join(run.workspace, 'evil'))).toBe(false);
    expect(run.git('rev-list', '--count', 'HEAD')).toBe('2');
  });

  it('takes a plan that is simply said, and cuts one that is too long', async () => {
    const run = prepare({ mode: 'plan' }, { plan: '' });
    expect(await run.run(await serve(says(content('1. 🙂'.repeat(20_000)))))).toBe(0);
    const plan = run.output('plan');
    expect(Buffer.byteLength(plan)).toBeLessThanOrEqual(65_536);
    expect(plan).toMatch(/^1\. 🙂/u);
    expect(plan).toContain('was cut here');
    expect(plan).not.toContain('\uFFFD');
  });

  it('fails without a plan', async () => {
    const run = prepare({ mode: 'plan' }, { plan: '' });
    expect(await run.run(await serve(says(calls(['finish', {}]))))).toBe(11);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'plan_missing' });
  });
});

describe('a model without tool support', () => {
  it('is driven by structured output', async () => {
    const call = (tool: string, given: unknown) => says(content(JSON.stringify({ tool, arguments: given })));
    const server = await serve(
      call('write_file', { path: 'hello.txt', content: 'hello' }),
      call('finish', { summary: 'done' }),
    );
    server.show = { status: 200, body: documented.show(['completion']) };
    const run = prepare();
    expect(await run.run(server)).toBe(0);
    expect(run.file('hello.txt')).toBe('hello');
    const [first, second] = server.seen;
    expect(first?.tools).toBeUndefined();
    expect(first?.format).toMatchObject({
      anyOf: expect.arrayContaining([expect.objectContaining({ required: ['tool', 'arguments'] })]),
    });
    expect(first?.messages[0]?.content).toContain('- write_file: ');
    expect(second?.messages.slice(-2)).toEqual([
      { role: 'assistant', content: '{"tool":"write_file","arguments":{"path":"hello.txt","content":"hello"}}' },
      { role: 'user', content: 'Result of write_file:\nwrote 5 bytes to hello.txt' },
    ]);
  });

  it.each([
    ['in a code fence', '```json\n{"name": "write_file", "arguments": {"path": "f", "content": "x"}}\n```'],
    ['in tags', 'So:\n<tool_call>\n{"name": "write_file", "arguments": {"path": "f", "content": "x"}}\n</tool_call>'],
  ])('or one that has it but writes its calls as text, is understood: %s', async (_, text) => {
    const run = prepare();
    expect(await run.run(await serve(says(content(text)), finish))).toBe(0);
    expect(run.file('f')).toBe('x');
  });
});

describe('limits', () => {
  it('warns of repeated calls, then ends, and keeps the work', async () => {
    const again = says(calls(['run_command', { command: 'date > now.txt' }]));
    const server = await serve(again, again, again, again, again, again);
    const run = prepare();
    expect(await run.run(server)).toBe(11);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'repeated_calls' });
    expect(server.seen).toHaveLength(5);
    expect(server.seen[2]?.messages.at(-1)?.content).not.toContain('in a row');
    expect(server.seen[3]?.messages.at(-1)?.content).toContain('3 times in a row');
    expect(run.git('show', '--stat', 'HEAD')).toContain('now.txt');
    expect(run.output('summary')).toContain('failed (repeated_calls)');
  });

  it('ends at the step limit', async () => {
    const step = (index: number) => says(calls(['read_file', { path: `${index}` }]));
    const run = prepare({ step_limit: 3 });
    expect(await run.run(await serve(step(1), step(2), step(3), step(4)))).toBe(11);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'step_limit' });
  });

  it('ends when the tokens are used up', async () => {
    const step = (index: number) => says(calls(['read_file', { path: `${index}` }]));
    const server = await serve(step(1), step(2), step(3), step(4));
    const run = prepare({ token_budget: 300 });
    expect(await run.run(server)).toBe(11);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'token_budget' });
    expect(server.seen).toHaveLength(2);
    expect(JSON.parse(run.output('usage')).requests).toBe(2);
  });

  it('tells the model that its answer was cut off, and gives up after some', async () => {
    const cut: Scripted = { pieces: [content('{"half":'), done('length')] };
    const server = await serve(cut, finish);
    expect(await prepare().run(server)).toBe(0);
    expect(lastMessage(server)?.content).toContain('cut off at the length limit');
    const run = prepare();
    expect(await run.run(await serve(cut, cut, cut, finish))).toBe(11);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'model_failed' });
  });

  it('asks for a call when there is none, and gives up after some', async () => {
    const talk = says(content('All is well.'));
    const server = await serve(talk, finish);
    expect(await prepare().run(server)).toBe(0);
    expect(lastMessage(server)?.content).toContain('You called no tool');
    const run = prepare();
    expect(await run.run(await serve(talk, talk, talk, finish))).toBe(11);
    expect(run.output('error')).toContain('without calling a tool');
  });
});

describe('calls that are wrong', () => {
  it.each([
    ['unknown tools', ['make_coffee', {}], 'there is no tool make_coffee'],
    ['missing arguments', ['write_file', { path: 'x' }], 'wrong arguments for write_file: content'],
    ['arguments that are text', ['write_file', 'not json'], 'wrong arguments for write_file'],
    ['paths outside', ['read_file', { path: '../task/objective.md' }], 'outside of the workspace'],
    ['the repository’s own files', ['write_file', { path: '.git/config', content: '' }], 'belongs to git'],
    ['files that are not there', ['read_file', { path: 'nowhere' }], 'ENOENT'],
    ['text that is not there', ['edit_file', { path: 'readme.md', old_text: 'x', new_text: '' }], 'does not occur'],
    ['folders as files', ['read_file', { path: '.' }], 'no text file'],
  ] as [string, [string, unknown], string][])('go back to the model: %s', async (_, call, message) => {
    const server = await serve(says(calls(call)), finish);
    expect(await prepare().run(server)).toBe(0);
    expect(lastMessage(server)?.content).toMatch(/^error: /);
    expect(lastMessage(server)?.content).toContain(message);
  });

  it('are taken when their arguments are JSON in a text', async () => {
    const run = prepare();
    expect(await run.run(await serve(says(calls(['write_file', '{"path":"f","content":"x"}'])), finish))).toBe(0);
    expect(run.file('f')).toBe('x');
  });

  it('print nothing that could steer a terminal', async () => {
    const run = prepare();
    const name = 'a\u001b[2J\u202Eb\nstep 9: lie';
    expect(await run.run(await serve(says(calls(['read_file', { path: name }])), finish))).toBe(0);
    expect(run.printed[1]).toBe('step 1: read_file a [2J b step 9: lie (failed)');
  });
});

describe('before any work', () => {
  it.each([
    ['a missing model', { status: 404, body: documented.notFound }, 'model_missing'],
    ['a context of 2048', { status: 200, body: documented.show(['tools'], 2048) }, 'model_context_too_small'],
    ['a server that is none', { status: 200, body: '[]' }, 'model_unreachable'],
  ])('%s is a clear error', async (_, show, errorClass) => {
    const server = await serve(finish);
    server.show = show;
    const run = prepare();
    expect(await run.run(server)).toBe(10);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: errorClass });
    expect(server.seen).toHaveLength(0);
    expect(existsSync(join(run.taskFolder, 'out/agent-summary.md'))).toBe(false);
  });

  it('a server that is away is a clear error', async () => {
    const server = await serve();
    const away = { host: server.host } as OllamaDouble;
    server.close();
    const run = prepare();
    expect(await run.run(away)).toBe(10);
    expect(JSON.parse(run.output('error'))).toMatchObject({ error_class: 'model_unreachable' });
  });

  it('a task that does not fit is a clear error, with the figures', async () => {
    const server = await serve(finish);
    const run = prepare({}, { context: 'x'.repeat(30_000) });
    expect(await run.run(server)).toBe(10);
    expect(run.output('error')).toMatch(/8192 tokens.*needs 1\d{4}/);
  });

  it('the context asked for is the model’s, but not more than is useful', async () => {
    const server = await serve(finish, finish);
    expect(await prepare().run(server)).toBe(0);
    server.show = { status: 200, body: documented.show(['tools'], 1_000_000) };
    expect(await prepare().run(server)).toBe(0);
    expect(server.seen.map(({ options }) => options.num_ctx)).toEqual([8192, 32_768]);
  });
});

describe('a stop', () => {
  it('ends the current command, commits, and says so', async () => {
    const server = await serve(
      says(calls(['write_file', { path: 'begun.txt', content: 'x' }])),
      says(calls(['run_command', { command: 'sleep 60 & sleep 60' }])),
    );
    const run = prepare();
    const code = run.run(server);
    await expect.poll(() => run.printed.length, { timeout: 5_000 }).toBe(2);
    setTimeout(() => run.stop.abort(new Error('stopped by SIGINT')), 200);
    expect(await code).toBe(130);
    expect(run.git('show', '--stat', 'HEAD')).toContain('begun.txt');
    expect(run.output('summary')).toContain('- Outcome: stopped');
    expect(JSON.parse(run.output('usage')).requests).toBe(2);
  });
});
