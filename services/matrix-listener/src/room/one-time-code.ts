import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { codeLimits } from '@countersign/contracts/limits.ts';
import type { Gate } from '../state/listener-state.ts';
import type { ObservedEvent } from './observed.ts';

type Split = { readonly words: string; readonly code: string | null };

/** What a person says of a task of the stage that needs one-time codes: the last word is one when it is six digits. Pure. */
export function splitCode(said: string): Split {
  const [, words = '', code] = /^(?:(.*\S)\s+)?([0-9]{6})$/su.exec(said) ?? [];
  return code === undefined ? { words: said, code: null } : { words, code };
}

/** Whether what a message asked for may be let through only by somebody who gives a code. */
export function isWithCode({ stage }: Pick<Gate, 'stage'>): boolean {
  return stage === secondFactorStage;
}

/** Why words or a sign without a code let nothing through. @param said the words to be sent, without a code */
export function codeWanted(said: string): string {
  return `${secondFactorStage} needs the one-time code of the moment; send: ${said} CODE, with its six digits in place of CODE`;
}

/** Why words with a code that is over let nothing through. */
export const codeOver = 'the one-time code has expired; send it anew with the code of the moment';

/** Whether a code was sent so long ago that it can be right no more: the runner would take it for a guess. Pure. */
export function isCodeOver({ origin_server_ts: sentAt }: ObservedEvent, { now }: { readonly now: number }): boolean {
  return sentAt !== undefined && now - sentAt >= codeLimits.lifeMs;
}

/** Somebody's words, to be shown or kept: without what may be a code, however its digits are grouped. Pure. */
export function hideCodes(text: string): string {
  return text.replace(/(?<![\w-])[0-9]{3}[ -]?[0-9]{3}(?![\w-]|\.\w)/gu, '••••••');
}
