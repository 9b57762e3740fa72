import { setTimeout as wait } from 'node:timers/promises';
import { answerReserve, estimateTokens } from './context.ts';
import { ModelError, TaskFailure } from './failure.ts';
import { type ModelWaits, toolLimits } from './limits.ts';
import type { CallStyle } from './message.ts';
import type { Model } from './model.ts';
import { asFailure } from './persistent-chat.ts';

/** What is known of the model before any work starts. */
export type Preflight = { readonly contextTokens: number; readonly style: CallStyle };

/**
 * Asks for the model and sees whether the task fits into it.
 * @param promptBytes of everything that the first request holds
 * @throws TaskFailure `model_unreachable`, `model_missing`, `model_context_too_small`
 */
export async function preflight(
  model: Model,
  promptBytes: number,
  waits: ModelWaits,
  stop: AbortSignal,
): Promise<Preflight> {
  try {
    await reach(model, waits, stop);
    const { contextTokens = toolLimits.minimumContextTokens, tools } = await model.describe(stop);
    requireRoom(model.name, contextTokens, promptBytes);
    return {
      contextTokens: Math.min(contextTokens, toolLimits.maximumContextTokens),
      style: tools ? 'native' : 'structured',
    };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    // What answers, but not as Ollama does, is no model server.
    const code = error.code === 'missing' ? 'missing' : 'unreachable';
    throw asFailure(new ModelError(code, error.message, { cause: error }), model.name);
  }
}

/** A gateway that is just being restarted is given a few moments; a server that is away is said at once. */
async function reach(model: Model, waits: ModelWaits, stop: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await model.version(stop);
      return;
    } catch (error) {
      if (!(error instanceof ModelError) || attempt >= waits.streamAttempts) throw error;
      await wait(waits.retryMs, undefined, { signal: stop });
    }
  }
}

function requireRoom(name: string, contextTokens: number, promptBytes: number): void {
  const usable = Math.min(contextTokens, toolLimits.maximumContextTokens);
  const needed = estimateTokens(promptBytes) + answerReserve(usable);
  const least = Math.max(needed, toolLimits.minimumContextTokens);
  if (usable >= least) return;
  throw new TaskFailure(
    'model_context_too_small',
    `${name} has a context of ${contextTokens} tokens, of which ${usable} are used; this task needs ${least} (its texts have ${promptBytes} bytes). Choose a model with more context, or shorten the task.`,
  );
}
