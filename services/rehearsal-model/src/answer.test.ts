import { expect, test } from 'vitest';
import { decide } from './answer.ts';
import type { Conversation, JsonSchema, Turn } from './conversation.ts';
import { OfferedTool, parseTool } from './offered-tool.ts';
import { agentTools, finishTool, openCodeTools, readingTools } from './started-model.ts';

const saysSo = /I am the rehearsal model, not a language model/;
const plan = '## Tasks\n1. Create hello.txt with a message\n2. Ponder\n3. Run git status\n4. Generate a summary file\n';
const tools = (offered: unknown[]) => offered.map((tool) => parseTool(OfferedTool.parse(tool)));

function answer(text: string, more: Partial<Conversation> = {}, results: string[] = []) {
  const turns: Turn[] = [{ role: 'user', text }, ...results.map((result) => ({ role: 'tool', text: result }) as const)];
  return decide({ turns, tools: [], format: undefined, ...more }).answer;
}

test("calls the built-in agent's tools one by one, in order, and finishes with what they said", () => {
  const offered = { tools: tools(agentTools) };
  const first = answer(plan, offered);
  expect(first.content).toMatch(saysSo);
  expect(first.call).toEqual({
    name: 'write_file',
    arguments: { path: 'hello.txt', content: 'Hello from the rehearsal model.\n' },
  });
  const results = ['wrote 32 bytes', '?? hello.txt\nmore', 'wrote'];
  const second = answer(plan, offered, results.slice(0, 1));
  expect(second.call).toEqual({ name: 'run_command', arguments: { command: 'git status' } });
  const { path, content } = answer(plan, offered, results.slice(0, 2)).call?.arguments ?? {};
  expect(path).toBe('agent-summary.md');
  expect(content).toMatch(saysSo);
  expect(content).toMatch(/Run git status: \?\? hello\.txt\n/);
  const last = answer(plan, offered, results);
  expect(last.content).toMatch(saysSo);
  expect(last.call?.name).toBe('finish');
  expect(last.call?.arguments).toEqual({
    summary: expect.stringMatching(/wrote 32 bytes[\s\S]*Not understood:\n\n- Ponder/),
  });
});

test('asks where it is told to, with what is offered, by a tool for asking', () => {
  const text = 'ask "Which port?" offering "8080" or "9090" by default "9090"\nask "Where?"';
  const offered = { tools: tools(agentTools) };
  expect(answer(text, offered).call).toEqual({
    name: 'ask_operator',
    arguments: { question: 'Which port?', options: ['8080', '9090'], default: '9090' },
  });
  expect(answer(text, offered, ['8080']).call).toEqual({
    name: 'ask_operator',
    arguments: { question: 'Where?', options: [] },
  });
  expect(answer(text, { tools: tools(openCodeTools) }).call).toBeUndefined();
});

test('is the same for the same conversation', () => {
  expect(answer(plan, { tools: tools(agentTools) })).toEqual(answer(plan, { tools: tools(agentTools) }));
});

test('edits and appends with the tools at hand, quoting for the shell', () => {
  const text = 'replace "a" with "b" in x.txt\nappend "it\'s $HOME" to -x.txt';
  const agent = { tools: tools(agentTools) };
  const edit = { path: 'x.txt', old_text: 'a', new_text: 'b' };
  expect(answer(text, agent).call).toEqual({ name: 'edit_file', arguments: edit });
  const append = { command: String.raw`printf '%s\n' 'it'\''s $HOME' >> './-x.txt'` };
  expect(answer(text, agent, ['ok']).call).toEqual({ name: 'run_command', arguments: append });
  const call = answer(text, { tools: tools(openCodeTools) }).call;
  expect(call).toEqual({ name: 'edit', arguments: { filePath: 'x.txt', oldString: 'a', newString: 'b' } });
});

test('says when no offered tool can do a task that it understands', () => {
  const offered = { tools: tools([...readingTools, agentTools[3], finishTool]) };
  const { call } = answer('create a.txt with hi\nrun ls', offered, ['wrote']);
  expect(call?.arguments).toEqual({ summary: expect.stringMatching(/Not understood:\n\n- run ls \(no tool for it\)/) });
});

test('without tools it plans in Markdown, and its plan can be executed', () => {
  const { content, call } = answer(plan);
  expect(call).toBeUndefined();
  expect(content).toMatch(saysSo);
  expect(content).toMatch(
    /## Tasks\n\n1\. Create hello\.txt with a message\n2\. Run git status\n3\. Generate a summary file\n/,
  );
  expect(content).toMatch(/## Not understood\n\n- Ponder/);
  const next = answer(`## Approved plan\n${content}\n\n${plan}`, { tools: tools(agentTools) }, ['wrote']);
  expect(next.call?.arguments).toEqual({ command: 'git status' });
});

test('with tools that only read it plans too, and hands the plan in where it can', () => {
  const { call } = answer(plan, { tools: tools([...readingTools, finishTool]) });
  expect(call?.name).toBe('finish');
  expect(call?.arguments).toEqual({ summary: expect.stringMatching(/## Tasks\n\n1\. Create hello\.txt/) });
  expect(answer(plan, { tools: tools(readingTools) }).content).toMatch(/## Tasks\n\n1\. Create hello\.txt/);
});

const callSchema: JsonSchema = {
  type: 'object',
  properties: { reason: { type: 'string' }, tool: { type: 'string' }, arguments: { type: 'object' } },
  required: ['tool', 'arguments'],
};

test('a structured request gets the next call as JSON, counted by the calls made before', () => {
  const first = answer(plan, { format: callSchema });
  expect(first.call).toBeUndefined();
  expect(JSON.parse(first.content)).toEqual({
    reason: expect.stringMatching(saysSo),
    tool: 'write_file',
    arguments: { path: 'hello.txt', content: 'Hello from the rehearsal model.\n' },
  });
  const turns: Turn[] = [
    { role: 'system', text: 'Tools: write_file, run_command, finish' },
    { role: 'user', text: plan },
    { role: 'assistant', text: first.content },
    { role: 'user', text: 'wrote' },
  ];
  const second = decide({ turns, tools: [], format: callSchema }).answer;
  expect(JSON.parse(second.content)).toMatchObject({ tool: 'run_command', arguments: { command: 'git status' } });
});

test('a structured request that names only reading tools gets the plan through finish', () => {
  const named = {
    ...callSchema,
    properties: { tool: { enum: ['read_file', 'finish'] }, arguments: { type: 'object' } },
  };
  const branches = ['list_files', 'finish'].map((name) => ({ properties: { tool: { const: name }, arguments: {} } }));
  for (const format of [named, { anyOf: branches }]) {
    const { tool, arguments: given } = JSON.parse(answer(plan, { format }).content);
    expect(tool).toBe('finish');
    expect(given.summary).toMatch(/## Tasks\n\n1\. Create/);
  }
  const prompt = `You may use list_files, read_file and finish.\n${plan}`;
  expect(JSON.parse(answer(prompt, { format: callSchema }).content).tool).toBe('finish');
});

test('any other schema gets JSON that fits it', () => {
  const format = {
    type: 'object',
    properties: {
      plan: { type: 'string' },
      risk: { enum: ['low', 'high'] },
      steps: { type: 'integer', minimum: 1 },
      ok: { type: 'boolean' },
    },
  };
  const fitted = { plan: expect.stringMatching(saysSo), risk: 'low', steps: 1, ok: false };
  expect(JSON.parse(answer(plan, { format }).content)).toEqual(fitted);
  expect(JSON.parse(answer(plan, { format: 'json' }).content).text).toMatch(saysSo);
});

test('loops, calls an unknown tool, or talks nonsense when a test asks for it', () => {
  const offered = { tools: tools(agentTools) };
  const loop = `${plan}\nrehearsal: loop`;
  expect(answer(loop, offered, ['a', 'b', 'c', 'd'])).toEqual(answer(loop, offered));
  expect(answer(loop, offered).call?.name).toBe('write_file');
  expect(answer('ponder\nrehearsal: loop', offered).call).toEqual({ name: 'list_files', arguments: { path: '.' } });
  expect(answer(`${plan}\nrehearsal: unknown-tool`, offered).call?.name).toBe('no_such_tool');
  expect(answer(`${plan}\nrehearsal: garbage`, offered).call?.arguments).not.toHaveProperty('path');
  const garbage = answer(`${plan}\nrehearsal: garbage`, { format: callSchema }).content;
  expect(() => JSON.parse(garbage)).toThrow(SyntaxError);
  expect(answer('run ls\nrehearsal: lop').content).toMatch(/Not understood\n\n- rehearsal: lop/);
});

test('puts out as much text as asked, within JSON as white space', () => {
  const text = `${plan}\nrehearsal: long-output 100`;
  expect(answer(text).content.length).toBeGreaterThan(100 * 1024);
  expect(answer(text, { tools: tools(agentTools) }).content.length).toBeGreaterThan(100 * 1024);
  const json = answer(text, { format: callSchema }).content;
  expect(json.length).toBeGreaterThan(100 * 1024);
  expect(JSON.parse(json).tool).toBe('write_file');
});
