import assert from 'node:assert/strict';
import type { z } from 'zod';
import type { Route } from './allow-list.ts';
import { bodyLimits } from './limits.ts';
import type { Refusal } from './refusal.ts';
import { parseStrictBody } from './strict-json.ts';

/** What a request may cost of the model. */
export type Demand = {
  /** Tokens that the model may write for it, at most. */
  readonly writes: number;
  readonly isStream: boolean;
  /** The part of a longer prompt that the model reads, in tokens. */
  readonly contextTokens: number;
};

export type CheckedBody =
  | {
      readonly status: 'allowed';
      /** Null where the model does no work for it. */
      readonly demand: Demand | null;
      /** The body to send on. @param mostTokens that the model may write; less than was asked for takes its place */
      readonly write: (mostTokens: number) => Buffer;
    }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/**
 * The body that is sent on: written anew from the parsed value, for the one model that is offered.
 * @param bytes the request's body as it came
 * @param model the model of `configs/agent.env`
 */
export function checkBody(route: Route, bytes: Uint8Array, model: string): CheckedBody {
  const json = parseStrictBody(bytes);
  if (!json.ok) return refuse(400, json.reason);
  switch (route.asks) {
    case 'nothing':
      return assert.fail(`${route.path} takes no body`);
    case 'description':
      return check(
        route.body.safeParse(json.value),
        model,
        () => null,
        (data) => data,
      );
    case 'embedding':
      return check(
        route.body.safeParse(json.value),
        model,
        () => reading,
        (data) => data,
      );
    case 'ollama-text':
      return check(
        route.body.safeParse(json.value),
        model,
        ({ stream, options }) => ({
          writes: options.num_predict,
          // Ollama's own default is to stream, OpenAI's is not to.
          isStream: stream ?? true,
          contextTokens: options.num_ctx ?? bodyLimits.contextTokens,
        }),
        (data, most) => ({
          ...data,
          options: { ...data.options, num_predict: Math.min(data.options.num_predict, most) },
        }),
      );
    case 'openai-text':
      return check(
        route.body.safeParse(json.value),
        model,
        ({ stream, max_tokens }) => ({
          writes: max_tokens,
          isStream: stream ?? false,
          contextTokens: bodyLimits.contextTokens,
        }),
        (data, most) => ({ ...data, max_tokens: Math.min(data.max_tokens, most) }),
      );
  }
}

/** An embedding is read and answered with numbers. */
const reading: Demand = { writes: 0, isStream: false, contextTokens: bodyLimits.contextTokens };

function check<Body extends { model: string }>(
  parsed: z.ZodSafeParseResult<Body>,
  model: string,
  demandOf: (data: Body) => Demand | null,
  bound: (data: Body, mostTokens: number) => Body,
): CheckedBody {
  if (!parsed.success) return refuse(400, describeIssue(parsed.error));
  const { data } = parsed;
  if (!namesModel(data.model, model)) {
    return refuse(403, `only the model ${model} is offered here, not the one that was asked for`);
  }
  return {
    status: 'allowed',
    demand: demandOf(data),
    write: (mostTokens) => Buffer.from(JSON.stringify({ ...bound(data, mostTokens), model })),
  };
}

/** Without a tag, `latest` is meant, on both sides. */
export function namesModel(name: string, model: string): boolean {
  return withTag(name) === withTag(model);
}

/** A tag follows the last slash: the colon of a registry's port is none. */
function withTag(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).includes(':') ? name : `${name}:latest`;
}

/** Names the place and the rule; never a value, for values are prompts. */
function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  assert(issue !== undefined, 'a failed parse has an issue');
  const place = issue.path.length === 0 ? 'the body' : issue.path.map(String).join('.').slice(0, 100);
  return `${place}: ${issue.message.slice(0, 200)}`;
}

function refuse(status: number, reason: string): CheckedBody {
  return { status: 'refused', refusal: { status, reason } };
}
