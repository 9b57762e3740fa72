import type { Refusal } from '@countersign/contracts/launcher-api.ts';
import { launcherLimits } from './limits.ts';

/** What a request came to; a refusal is an answer, not an error. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function refuse(code: Refusal['code'], message: string): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, message: message.slice(0, launcherLimits.messageCharacters) } };
}
