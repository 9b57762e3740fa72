import { announce, writeFiller, writePlan, writeSummary } from './wording.ts';
import { type Call, type Conversation, readTurns, type Tool } from './conversation.ts';
import { type Behaviour, readDirectives } from './directives.ts';
import { fitSchema } from './fit-schema.ts';
import { disclaimer } from './identity.ts';
import { asksForCall, toolsOfSchema } from './structured-call.ts';
import { findTasks, type Task } from './task-list.ts';
import { callFinish, callForInstruction, isPlanning } from './tool-match.ts';

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

function misbehave(situation: Situation): Answer | undefined {
  const { tools, behaviour } = situation;
  const first = tools[0];
  switch (behaviour.call) {
    case 'as-told':
      return undefined;
    case 'loop': {
      const again = nextStep({ ...situation, results: [] });
      const call = again.call ?? (first && { name: first.name, arguments: fitSchema({ type: 'object' }, '', []) as {} });
      return { content: again.content, call };
    }
    case 'garbage':
      return {
        content: `${disclaimer} {"garbage": [,`,
        call: first && { name: first.name, arguments: { '': [null, { garbage: Number.MAX_SAFE_INTEGER }] } },
      };
    case 'unknown-tool':
      return { content: disclaimer, call: { name: 'no_such_tool', arguments: { garbage: true } } };
  }
}

/** Puts an answer into the JSON that a client's schema asks for, where its text has no place but in the values. */
function asJson(answer: Answer, format: Conversation['format'], plan: string, tasks: readonly Task[]): string {
  if (format === undefined) return answer.content;
  if (format === 'json') return JSON.stringify({ text: answer.content });
  const lines = tasks.map(({ line }) => line);
  if (!asksForCall(format)) return JSON.stringify(fitSchema(format, plan, lines));
  const rest = fitSchema(format, disclaimer, []);
  const fitted = typeof rest === 'object' ? rest : {};
  return JSON.stringify({ ...fitted, tool: answer.call?.name, arguments: answer.call?.arguments });
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

  if (conversation.format !== undefined && tools !== conversation.tools) {
    const garbage = behaviour.call === 'garbage' ? answer.content : asJson(answer, conversation.format, plan, tasks);
    return { answer: { content: garbage, call: undefined }, behaviour, progress };
  }
  const content = planning || filler === '' ? answer.content : `${answer.content}\n${filler}`;
  return { answer: { content, call: answer.call }, behaviour, progress };
}
