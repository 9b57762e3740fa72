import { type Response, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Asked, answerRequest, chooseModel } from './answer-request.ts';
import { version } from './identity.ts';
import { listModels, listRunningModels, showModel } from './models.ts';
import { ChatRequest, GenerateRequest, readChat, readGenerate, ShowRequest } from './ollama-request.ts';
import { chatWire, generateWire, loaded } from './ollama-wire.ts';

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json({ error: message });
}

/** Parses a body, or refuses the request and answers undefined. */
function read<T>(schema: z.ZodType<T>, body: object | undefined, response: Response): T | undefined {
  // The body parser gives an empty object for an empty body.
  if (Object.keys(body ?? {}).length === 0) return void refuse(response, 400, 'missing request body');
  const parsed = schema.safeParse(body);
  return parsed.success ? parsed.data : void refuse(response, 400, z.prettifyError(parsed.error));
}

/** Ollama's own API under `/api`. */
export function createOllamaRoutes(logger: Logger): Router {
  const routes = Router();
  routes.get('/version', (_request, response) => void response.json({ version }));
  routes.get('/tags', (_request, response) => void response.json(listModels()));
  routes.get('/ps', (_request, response) => void response.json(listRunningModels()));

  routes.post('/show', (request, response) => {
    const asked = read(ShowRequest, request.body, response);
    if (!asked) return;
    const model = chooseModel(asked.model, false);
    if ('status' in model) return refuse(response, model.status, model.message);
    response.json(showModel(model));
  });

  routes.post('/chat', async (request, response) => {
    const chat = read(ChatRequest, request.body, response);
    if (!chat) return;
    const model = chooseModel(chat.model, (chat.tools ?? []).length > 0);
    if ('status' in model) return refuse(response, model.status, model.message);
    const wire = () => chatWire(chat.model);
    if ((chat.messages ?? []).length === 0) {
      response.json(loaded(chat.model, chat.keep_alive, { message: { role: 'assistant', content: '' } }));
      return;
    }
    const asked: Asked = {
      model,
      wire,
      conversation: readChat(chat),
      stream: chat.stream ?? true,
      think: Boolean(chat.think),
    };
    await answerRequest(response, asked, logger);
  });

  routes.post('/generate', async (request, response) => {
    const generate = read(GenerateRequest, request.body, response);
    if (!generate) return;
    const model = chooseModel(generate.model, false);
    if ('status' in model) return refuse(response, model.status, model.message);
    if (!generate.prompt) {
      response.json(loaded(generate.model, generate.keep_alive, { response: '' }));
      return;
    }
    const asked: Asked = {
      model,
      wire: () => generateWire(generate.model),
      conversation: readGenerate(generate),
      stream: generate.stream ?? true,
      think: Boolean(generate.think),
    };
    await answerRequest(response, asked, logger);
  });
  return routes;
}
