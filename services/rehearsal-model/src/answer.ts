import { type Call, type Conversation, type JsonSchema, readTurns, type Tool } from './conversation.ts';
import { type Behaviour, readDirectives } from './directives.ts';
import { branchesOf, fitSchema, isSchema } from './fit-schema.ts';
import { disclaimer } from './identity.ts';
import { asksForCall, toolsOfSchema } from './structured-call.ts';
import { findTasks, type Task } from './task-list.ts';
import { callAnyhow, callFinish, callForInstruction, isPlanning } from './tool-match.ts';
import { announce, writeFiller, writePlan, writeSummary } from './wording.ts';

/** What the model says in one turn: text, and with it at most one tool call. */
export type Answer = { content: string; call: Call | undefined };
export type Decision = { answer: Answer; behaviour: Behaviour; progress: number };

type Situation = {
  tools: readonly Tool[];
  tasks: readonly Task[];
  results: readonly string[];
  notUnderstood: readonly string[];
  behaviour: Behaviour;
};

function findTools({ format, tools }: Conversation, prompt: string): readonly Tool[] {
  if (tools.length > 0 || format === undefined || format === 'json') return tools;
  return asksForCall(format) ? toolsOfSchema(format, prompt) : [];
}

/** The call of the task whose turn it is: one a turn, in order, by the number of results that have come back. */
function nextStep({ tools, tasks, results, notUnderstood }: Situation): Answer {
  const summary = writeSummary(tasks, results, notUnderstood);
  const index = results.length;
  const task = tasks[index];
  const call = task && callForInstruction(tools, task.instruction, task.line, summary);
  if (task && call) return { content: announce(index, tasks.length, task.line), call };
  return finish(tools, summary);
}

function finish(tools: readonly Tool[], text: string): Answer {
  const call = callFinish(tools, text);
  return call ? { content: disclaimer, call } : { content: text, call };
}

/** What a test asked for instead of the right answer, if anything. */
function misbehave({ tools, tasks, behaviour }: Situation): Answer | undefined {
  const [task] = tasks;
  const [tool] = tools;
  switch (behaviour.call) {
    case 'as-told':
      return undefined;
    case 'loop': {
      const call = task && callForInstruction(tools, task.instruction, task.line, disclaimer);
      return { content: `${disclaimer} Once more.`, call: call ?? (tool && callAnyhow(tool)) };
    }
    case 'garbage':
      return {
        content: `${disclaimer} {"garbage": [,`,
        call: tool && { name: tool.name, arguments: { '': [null, { garbage: true }] } },
      };
    case 'unknown-tool':
      return { content: disclaimer, call: { name: 'no_such_tool', arguments: { garbage: true } } };
  }
}

/** Puts an answer into the JSON that a client's schema asks for, where text has no place but in the values. */
function asJson(answer: Answer, format: JsonSchema | 'json', plan: string, tasks: readonly Task[]): string {
  if (format === 'json') return JSON.stringify({ text: answer.content });
  const lines = tasks.map(({ line }) => line);
  if (!asksForCall(format)) return JSON.stringify(fitSchema(format, plan, lines));
  const rest = branchesOf(format).length === 1 ? fitSchema(format, disclaimer, []) : {};
  const call = answer.call && { tool: answer.call.name, arguments: answer.call.arguments };
  return JSON.stringify({ ...(isSchema(rest) ? rest : {}), ...call });
}

/**
 * Decides what to answer from the conversation alone, so that the same conversation always gets the same answer:
 * a plan when no tool that changes anything is offered, else the next task's tool call, else the end.
 */
export function decide(conversation: Conversation): Decision {
  const { system, user, results } = readTurns(conversation);
  const prompt = `${system}\n${user}`;
  const tools = findTools(conversation, prompt);
  const planning = isPlanning(tools);
  const behaviour = readDirectives(prompt, planning ? 'planning' : 'executing');
  const found = findTasks(conversation);
  const possible = ({ instruction, line }: Task) => planning || callForInstruction(tools, instruction, line, '');
  const tasks = found.tasks.filter(possible);
  const impossible = found.tasks.filter((task) => !tasks.includes(task)).map(({ line }) => `${line} (no tool for it)`);
  const notUnderstood = [...found.notUnderstood, ...impossible, ...behaviour.notUnderstood];

  const filler = writeFiller(behaviour.fillerKilobytes);
  const plan = writePlan(tasks, notUnderstood) + filler;
  const situation: Situation = { tools, tasks, results, notUnderstood, behaviour };
  const told = planning ? finish(tools, plan) : nextStep(situation);
  const answer = misbehave(situation) ?? told;
  const progress = results.length;

  const { format } = conversation;
  const padding = planning ? '' : filler;
  if (format !== undefined && conversation.tools.length === 0) {
    const json = behaviour.call === 'garbage' ? answer.content : asJson(answer, format, plan, tasks);
    return { answer: { content: json + padding.replaceAll(/\S/g, ' '), call: undefined }, behaviour, progress };
  }
  const content = padding === '' ? answer.content : `${answer.content}\n${padding}`;
  return { answer: { content, call: answer.call }, behaviour, progress };
}
