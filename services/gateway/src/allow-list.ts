import type { z } from 'zod';
import { ChatBody, EmbedBody, GenerateBody, ShowBody } from './ollama-body.ts';
import { ChatCompletionBody, CompletionBody, EmbeddingBody } from './openai-body.ts';
import type { Refusal } from './refusal.ts';
import { announcesBody, type RequestHead, refuseHead } from './request-head.ts';

/** A request that makes the model write, and where it says how much at most, in tokens. */
type Ollama = {
  model: string;
  stream?: boolean | null | undefined;
  options: { num_predict: number; num_ctx?: number | null | undefined };
};
type OpenAi = { model: string; stream?: boolean | null | undefined; max_tokens: number };

/** What a route asks of the model; every route that has a body names one. */
type Asks =
  | { readonly asks: 'nothing'; readonly body: null }
  | { readonly asks: 'description'; readonly body: z.ZodType<{ model: string }> }
  | { readonly asks: 'embedding'; readonly body: z.ZodType<{ model: string }> }
  | { readonly asks: 'ollama-text'; readonly body: z.ZodType<Ollama> }
  | { readonly asks: 'openai-text'; readonly body: z.ZodType<OpenAi> };

/** One line of the list. What is sent on is its own method and path, never the request's text. */
export type Route = { readonly method: 'GET' | 'POST'; readonly path: string } & Asks;

/** Inference and listing. What creates, fetches, copies, publishes or removes a model is not here, nor is anything unknown. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/api/version', asks: 'nothing', body: null },
  { method: 'GET', path: '/api/tags', asks: 'nothing', body: null },
  { method: 'GET', path: '/api/ps', asks: 'nothing', body: null },
  { method: 'POST', path: '/api/show', asks: 'description', body: ShowBody },
  { method: 'POST', path: '/api/chat', asks: 'ollama-text', body: ChatBody },
  { method: 'POST', path: '/api/generate', asks: 'ollama-text', body: GenerateBody },
  { method: 'POST', path: '/api/embed', asks: 'embedding', body: EmbedBody },
  { method: 'GET', path: '/v1/models', asks: 'nothing', body: null },
  { method: 'POST', path: '/v1/chat/completions', asks: 'openai-text', body: ChatCompletionBody },
  { method: 'POST', path: '/v1/completions', asks: 'openai-text', body: CompletionBody },
  { method: 'POST', path: '/v1/embeddings', asks: 'embedding', body: EmbeddingBody },
];

const listed = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));

type Decision =
  | { readonly status: 'allowed'; readonly route: Route }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/**
 * Whether a request may go on, from its head alone. A target is compared as a whole with the list and never decoded, normalised or
 * taken apart, so there is no second reading of it.
 */
export function decide(head: RequestHead): Decision {
  const problem = refuseHead(head);
  if (problem !== null) return refuse(problem);
  const route = listed.get(`${head.method} ${head.target}`);
  if (route === undefined) {
    return refuse(
      'this method and path are not forwarded; the list is inference and listing, with exact paths and no query',
    );
  }
  if (route.body === null && announcesBody(head.headers)) return refuse(`${route.path} takes no body`);
  return { status: 'allowed', route };
}

function refuse(reason: string): Decision {
  return { status: 'refused', refusal: { status: 403, reason } };
}
