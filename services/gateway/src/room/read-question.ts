import type { AskedQuestion } from '@countersign/contracts/question.ts';
import { QuestionContent, questionOf } from '@countersign/contracts/task-room.ts';
import { parseStrictBody } from '../strict-json.ts';
import type { RoomRefusal } from './refusal.ts';

type ReadQuestion =
  | { readonly ok: true; readonly question: AskedQuestion }
  | { readonly ok: false; readonly refusal: RoomRefusal };

/** The question in a message's body. Refusals name the place and the rule, and no value. */
export function readQuestion(bytes: Uint8Array): ReadQuestion {
  const json = parseStrictBody(bytes);
  if (!json.ok) return refuse(json.reason);
  const content = QuestionContent.safeParse(json.value);
  const question = content.success ? questionOf(content.data) : content;
  if (question.success) return { ok: true, question: question.data };
  const [issue] = question.error.issues;
  const place = issue?.path.map(String).join('.').slice(0, 100) ?? '';
  return refuse(`${place === '' ? 'the message' : place}: ${(issue?.message ?? 'not as it should be').slice(0, 200)}`);
}

function refuse(reason: string): ReadQuestion {
  return { ok: false, refusal: { status: 400, errcode: 'M_BAD_JSON', reason } };
}
