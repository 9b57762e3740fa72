import { type Response, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { answerRequest, chooseModel } from './answer-request.ts';
import { listOpenAiModels } from './models.ts';
import { CompletionRequest, readCompletion } from './openai-request.ts';
import { completionWire, refusal } from './openai-wire.ts';

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json(refusal(status, message));
}

/** The part of OpenAI's API that Ollama speaks under `/v1`. */
export function createOpenAiRoutes(logger: Logger): Router {
  const routes = Router();
  routes.get('/models', (_request, response) => void response.json(listOpenAiModels()));

  routes.post('/chat/completions', async (request, response) => {
    const parsed = CompletionRequest.safeParse(request.body ?? {});
    if (!parsed.success) return refuse(response, 400, z.prettifyError(parsed.error));
    const completion = parsed.data;
    const model = chooseModel(completion.model, (completion.tools ?? []).length > 0);
    if ('status' in model) return refuse(response, model.status, model.message);
    const includeUsage = completion.stream_options?.include_usage ?? false;
    await answerRequest(
      response,
      {
        model,
        conversation: readCompletion(completion),
        stream: completion.stream ?? false,
        think: false,
        wire: (progress) => completionWire({ model: completion.model, callId: `call_${progress + 1}`, includeUsage }),
      },
      logger,
    );
  });
  return routes;
}
