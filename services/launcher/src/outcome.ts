import type { Refusal } from '@countersign/contracts/launcher-api.ts';
import type { ServiceRefusal } from '@countersign/contracts/services-api.ts';
import { launcherLimits } from './limits.ts';

/** An answer that something is not done, and why; of the vocabulary of whoever asked. */
export type Refused<Code extends Refusal['code'] | ServiceRefusal['code']> = {
  readonly ok: false;
  readonly refusal: { readonly code: Code; readonly message: string };
};

/** What a request came to; a refusal is an answer, not an error. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | Refused<Refusal['code']>;

export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function refuse<Code extends Refusal['code'] | ServiceRefusal['code']>(
  code: Code,
  message: string,
): Refused<Code> {
  return { ok: false, refusal: { code, message: message.slice(0, launcherLimits.messageCharacters) } };
}
