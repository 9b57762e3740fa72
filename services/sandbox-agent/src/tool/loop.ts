import { type Asking, ask } from './ask.ts';
import { resultBytes } from './context.ts';
import { executeCall, type Finish } from './execute-call.ts';
import { TaskFailure } from './failure.ts';
import { toolLimits } from './limits.ts';
import type { Call, Message, OfferedTool, Reply } from './message.ts';
import { RepeatedCalls } from './repeated-calls.ts';
import { callInText } from './structured.ts';
import { offerTools } from './tool-set.ts';

export type LoopOptions = {
  readonly asking: Asking;
  readonly mode: 'run' | 'plan';
  readonly workspace: string;
  readonly stepLimit: number;
  /** System prompt and task. */
  readonly messages: readonly Message[];
  /** Told of each call as it is made. */
  readonly onStep: (step: number, label: string, ok: boolean) => void;
};

/** The model's last words. `said` is the text beside them, which in plan mode may be the plan. */
export type LoopEnd = { readonly words: Finish; readonly said: string };

const cutOffAdvice =
  'Your answer was cut off at the length limit and nothing of it was done. Answer shorter; write a long file in several parts.';
const callAdvice = 'You called no tool. Call a tool to go on, or call finish when everything is done.';

/**
 * Lets the model call tools until it finishes.
 * @throws TaskFailure `step_limit`, `token_budget`, `repeated_calls`, `model_failed` and what asking throws
 */
export async function runLoop(options: LoopOptions, stop: AbortSignal): Promise<LoopEnd> {
  const tools = offerTools(options.mode);
  const messages: Message[] = [...options.messages];
  const repeated = new RepeatedCalls();
  let withoutCall = 0;
  let cutOff = 0;
  for (let step = 1; step <= options.stepLimit; step += 1) {
    const reply = await ask(options.asking, messages, tools, stop);
    cutOff = reply.cutOff ? cutOff + 1 : 0;
    if (reply.cutOff) {
      requirePatience(cutOff, toolLimits.answersCutOff, 'the model’s answers were cut off at the length limit');
      options.onStep(step, 'the answer was cut off at the length limit', false);
      messages.push({ role: 'assistant', content: reply.content, calls: [] }, { role: 'user', content: cutOffAdvice });
      continue;
    }
    const calls = callsOf(reply, tools);
    // A call that was written as text goes back as a call, not twice.
    const content = reply.calls.length === 0 && calls.length > 0 ? '' : reply.content;
    messages.push({ role: 'assistant', content, calls });
    withoutCall = calls.length === 0 ? withoutCall + 1 : 0;
    if (calls.length === 0) {
      // A plan may simply be said; work must be done.
      if (options.mode === 'plan' && reply.content.trim() !== '')
        return { words: { summary: '' }, said: reply.content };
      requirePatience(withoutCall, toolLimits.answersWithoutCall, 'the model answered without calling a tool');
      options.onStep(step, 'no tool was called', false);
      messages.push({ role: 'user', content: callAdvice });
      continue;
    }
    const end = await executeAll(calls, step, repeated, options, messages, stop);
    if (end !== undefined) return { words: end, said: reply.content };
  }
  throw new TaskFailure('step_limit', `the work was not finished after ${options.stepLimit} steps`);
}

/** @returns the arguments of `finish`, when it was called */
async function executeAll(
  calls: readonly Call[],
  step: number,
  repeated: RepeatedCalls,
  { mode, workspace, asking, onStep }: LoopOptions,
  messages: Message[],
  stop: AbortSignal,
): Promise<Finish | undefined> {
  const place = { workspace, resultBytes: resultBytes(asking.preflight.contextTokens) };
  for (const call of calls) {
    const warning = repeated.count(call);
    const executed = await executeCall(call, mode, place, stop);
    if (executed.kind === 'finished') {
      onStep(step, 'finish', true);
      return executed.words;
    }
    const { ok, text } = executed.result;
    onStep(step, executed.label, ok);
    messages.push({ role: 'tool', tool: call.name, content: warning === undefined ? text : `${text}\n${warning}` });
  }
  return undefined;
}

function callsOf(reply: Reply, tools: readonly OfferedTool[]): readonly Call[] {
  if (reply.calls.length > 0) return reply.calls;
  const call = callInText(reply.content, tools);
  return call === undefined ? [] : [call];
}

function requirePatience(count: number, limit: number, what: string): void {
  if (count >= limit) throw new TaskFailure('model_failed', `${what} ${count} times in a row`);
}
