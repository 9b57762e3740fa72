import type { Response } from 'express';
import type { Logger } from 'pino';
import { decide } from './answer.ts';
import type { Conversation } from './conversation.ts';
import { ClientGoneError, deliver } from './deliver.ts';
import { disclaimer } from './identity.ts';
import { findModel, type Model } from './models.ts';
import type { Wire } from './wire.ts';

export type Asked = {
  model: Model;
  conversation: Conversation;
  stream: boolean;
  think: boolean;
  /** The protocol's way to write, made for the number of tool results that have come back. */
  wire: (progress: number) => Wire;
};

export type Refusal = { status: number; message: string };

/** Finds the model that a request names, or says as Ollama does why it cannot serve it. */
export function chooseModel(name: string, toolsOffered: boolean): Model | Refusal {
  const model = findModel(name);
  if (!model) return { status: 404, message: `model '${name}' not found` };
  if (toolsOffered && !model.capabilities.includes('tools')) {
    return { status: 400, message: `${model.name} does not support tools` };
  }
  return model;
}

/** Answers one request to its end; when the client goes away, so does the work. Never throws. */
export async function answerRequest(response: Response, asked: Asked, logger: Logger): Promise<void> {
  const { model, conversation, stream, think, wire } = asked;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const decision = decide(conversation);
    const said = conversation.turns.reduce(
      (sum, { text }) => sum + text.length,
      JSON.stringify(conversation.tools).length,
    );
    const outcome = await deliver(response, decision, {
      wire: wire(decision.progress),
      stream,
      thinking: think ? `${disclaimer} I do not think, I count: ${decision.progress} results so far.` : '',
      promptTokens: Math.ceil(said / 4),
      signal: gone.signal,
    });
    const call = decision.answer.call?.name;
    logger.info({ model: model.name, stream, call, progress: decision.progress, outcome }, 'answered');
  } catch (error) {
    response.destroy();
    const left = gone.signal.aborted || error instanceof ClientGoneError;
    if (left) logger.info({ model: model.name }, 'the client went away; the answer was stopped');
    else logger.error({ model: model.name, err: error }, 'the answer failed');
  }
}
