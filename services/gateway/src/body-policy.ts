import assert from 'node:assert/strict';
import type { z } from 'zod';
import type { Route } from './allow-list.ts';
import type { Refusal } from './refusal.ts';
import { parseStrictBody } from './strict-json.ts';

export type CheckedBody =
  | { readonly status: 'allowed'; readonly body: Buffer }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/**
 * The body that is sent on: written anew from the parsed value, for the one model that is offered.
 * @param bytes the request's body as it came
 * @param model the model of `configs/agent.env`
 */
export function checkBody(route: Route, bytes: Uint8Array, model: string): CheckedBody {
  assert(route.body !== null, `${route.path} takes no body`);
  const json = parseStrictBody(bytes);
  if (!json.ok) return refuse(400, json.reason);
  const parsed = route.body.safeParse(json.value);
  if (!parsed.success) return refuse(400, describeIssue(parsed.error));
  if (!namesModel(parsed.data.model, model)) {
    return refuse(403, `only the model ${model} is offered here, not the one that was asked for`);
  }
  return { status: 'allowed', body: Buffer.from(JSON.stringify({ ...parsed.data, model })) };
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
