import type { z } from 'zod';
import { ChatBody, EmbedBody, GenerateBody, ShowBody } from './ollama-body.ts';
import { ChatCompletionBody, CompletionBody, EmbeddingBody } from './openai-body.ts';
import type { Refusal } from './refusal.ts';
import { announcesBody, type RequestHead, refuseHead } from './request-head.ts';

/** The body of a request for a model; every route that has a body names one. */
type BodySchema = z.ZodType<{ model: string }>;

/** One line of the list. What is sent on is its own method and path, never the request's text. */
export type Route = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body: BodySchema | null };

/** Inference and listing. What creates, fetches, copies, publishes or removes a model is not here, nor is anything unknown. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/api/version', body: null },
  { method: 'GET', path: '/api/tags', body: null },
  { method: 'GET', path: '/api/ps', body: null },
  { method: 'POST', path: '/api/show', body: ShowBody },
  { method: 'POST', path: '/api/chat', body: ChatBody },
  { method: 'POST', path: '/api/generate', body: GenerateBody },
  { method: 'POST', path: '/api/embed', body: EmbedBody },
  { method: 'GET', path: '/v1/models', body: null },
  { method: 'POST', path: '/v1/chat/completions', body: ChatCompletionBody },
  { method: 'POST', path: '/v1/completions', body: CompletionBody },
  { method: 'POST', path: '/v1/embeddings', body: EmbeddingBody },
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
