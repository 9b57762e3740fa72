import { parseStrictBody } from '../strict-json.ts';
import { type DoorRefusal, notAllowed } from './refusal.ts';
import type { DoorRoute } from './routes.ts';

type CheckedBody =
  | { readonly status: 'allowed'; readonly body: Buffer }
  | { readonly status: 'refused'; readonly refusal: DoorRefusal };

/** The body that is sent on: JSON is written anew from the parsed object, so that there is one reading of it; a file is what it is. */
export function checkDoorBody(kind: Exclude<DoorRoute['body'], 'none'>, bytes: Buffer): CheckedBody {
  if (kind === 'text') return { status: 'allowed', body: bytes };
  const json = parseStrictBody(bytes);
  if (!json.ok) return refuse(json.reason);
  const { value } = json;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('the body is no JSON object');
  if (kind === 'empty-object' && Object.keys(value).length > 0) return refuse('the body is not {}');
  return { status: 'allowed', body: Buffer.from(JSON.stringify(value)) };
}

function refuse(reason: string): CheckedBody {
  return { status: 'refused', refusal: notAllowed(reason) };
}
