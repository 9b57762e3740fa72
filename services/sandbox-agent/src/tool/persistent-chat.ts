import { setTimeout as wait } from 'node:timers/promises';
import { ModelError, TaskFailure } from './failure.ts';
import type { ModelWaits } from './limits.ts';
import type { Message, Reply } from './message.ts';
import type { ChatOptions, Model } from './model.ts';

/**
 * One answer of the model's, with patience: a stream that breaks is asked for again a few times with the same messages; a server
 * that is busy or away is waited for.
 * @throws TaskFailure when the patience is at its end
 */
export async function chatPersistently(
  model: Pick<Model, 'chat' | 'name'>,
  messages: readonly Message[],
  options: ChatOptions,
  waits: ModelWaits,
  stop: AbortSignal,
): Promise<Reply> {
  const begun = performance.now();
  let broken = 0;
  for (let pauseMs = waits.retryMs; ; pauseMs = Math.min(pauseMs * 2, waits.retryMaximumMs)) {
    try {
      return await model.chat(messages, options, stop);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      if (error.code === 'broken') broken += 1;
      const patient = performance.now() - begun + pauseMs <= waits.busyMs;
      if (!worthAnotherTry(error, broken < waits.streamAttempts, patient)) throw asFailure(error, model.name);
      await wait(pauseMs, undefined, { signal: stop });
    }
  }
}

function worthAnotherTry(error: ModelError, triesLeft: boolean, patient: boolean): boolean {
  switch (error.code) {
    case 'broken':
      return triesLeft;
    case 'busy':
    case 'unreachable':
      return patient;
    case 'missing':
    case 'refused':
      return false;
  }
}

/** A failed request in the words of the closed list. */
export function asFailure(error: ModelError, name: string): TaskFailure {
  const options = { cause: error };
  switch (error.code) {
    case 'missing':
      return new TaskFailure('model_missing', `the model server has no model ${name} (${error.message})`, options);
    case 'unreachable':
      return new TaskFailure('model_unreachable', `the model server cannot be reached (${error.message})`, options);
    case 'busy':
      return new TaskFailure('model_failed', `the model server stayed busy (${error.message})`, options);
    case 'refused':
      return new TaskFailure('model_failed', `the model server refused the request (${error.message})`, options);
    case 'broken':
      return new TaskFailure('model_failed', `the model's answer broke off (${error.message})`, options);
  }
}
