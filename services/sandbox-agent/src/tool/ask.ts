import { answerReserve, conversationTokens, fitConversation } from './context.ts';
import { TaskFailure } from './failure.ts';
import type { ModelWaits } from './limits.ts';
import type { Message, OfferedTool, Reply } from './message.ts';
import type { Meter } from './meter.ts';
import type { Model } from './model.ts';
import { chatPersistently } from './persistent-chat.ts';
import type { Preflight } from './preflight.ts';

/** What every request of one task goes through: budget, room, patience. */
export type Asking = {
  readonly model: Pick<Model, 'chat' | 'name'>;
  readonly preflight: Preflight;
  readonly meter: Meter;
  readonly waits: ModelWaits;
};

/** @throws TaskFailure when the budget, the context or the model's patience is at its end */
export async function ask(
  { model, preflight, meter, waits }: Asking,
  messages: readonly Message[],
  tools: readonly OfferedTool[],
  stop: AbortSignal,
): Promise<Reply> {
  meter.check();
  const { contextTokens, style } = preflight;
  const fitted = fitConversation(messages, tools, contextTokens - answerReserve(contextTokens));
  if (fitted === undefined)
    throw new TaskFailure('model_context_too_small', `the conversation no longer fits into ${contextTokens} tokens`);
  const estimated = conversationTokens(fitted, tools);
  const answerTokens = contextTokens - estimated;
  const reply = await chatPersistently(model, fitted, { tools, style, contextTokens, answerTokens }, waits, stop);
  meter.add(reply, estimated);
  return reply;
}
