import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { Gate } from '../state/listener-state.ts';

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

/** Somebody's words, to be shown or kept: without what may be a code, however its digits are grouped. Pure. */
export function hideCodes(text: string): string {
  return text.replace(/(?<![\w-])[0-9]{3}[ -]?[0-9]{3}(?![\w-]|\.\w)/gu, '••••••');
}
