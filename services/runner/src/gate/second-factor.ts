import { codeLimits } from '@countersign/contracts/limits.ts';
import { Timestamp } from '@countersign/contracts/names.ts';
import { codeParameters } from '@countersign/contracts/one-time-code.ts';
import { Secret, TOTP } from 'otpauth';
import { z } from 'zod';
import type { FoundSeed } from './code-seed.ts';

/** What stands in the journal of a code, beside the verdict on its command: never the code. */
export const CodeFact = z.discriminatedUnion('code', [
  z.strictObject({ code: z.literal('good'), step: z.int().nonnegative() }),
  z.strictObject({ code: z.literal('wrong'), at: Timestamp }),
]);
export type CodeFact = z.infer<typeof CodeFact>;

export type CodeVerdict =
  | { readonly ok: true; readonly fact: CodeFact | null }
  | { readonly ok: false; readonly reason: string; readonly fact: CodeFact | null };

/**
 * Judges one-time codes (RFC 6238). Invariant: every fact that it returns is written down together with the verdict on the command
 * that brought the code, and is told to the next runner by `recall`. So a code counts for one command, whatever restarts or
 * races there are, and no restart opens a lock. A command that is judged again changes nothing.
 */
export class SecondFactor {
  /** The newest step that counted. None before it counts any more either, so that one number remembers all. */
  #spent: { readonly step: number; readonly command: string } | null = null;
  /** Commands with a wrong code, and when. */
  readonly #wrong = new Map<string, number>();
  #lockedUntil = 0;

  /** A fact of an earlier verdict. */
  recall(command: string, fact: CodeFact): void {
    if (fact.code === 'wrong') this.#count(command, Date.parse(fact.at));
    else if (this.#spent === null || fact.step > this.#spent.step) this.#spent = { step: fact.step, command };
  }

  /** @param sent when the code was sent: one that lay too long is not looked at, and so is no guess either */
  judge(code: string | undefined, command: string, found: FoundSeed, now: Date, sent = now): CodeVerdict {
    // It was found good before, and could not be written down then: on a full disk, for instance.
    if (this.#spent?.command === command) return { ok: true, fact: { code: 'good', step: this.#spent.step } };
    if (found.status !== 'enrolled') return refuse(withoutSeed[found.status]);
    if (code === undefined) return refuse('this needs the one-time code of the moment');
    if (now.getTime() < this.#lockedUntil)
      return refuse(
        `there were too many wrong codes: none is looked at before ${new Date(this.#lockedUntil).toISOString()}; from the machine's own shell it goes on`,
      );
    if (now.getTime() - sent.getTime() >= codeLimits.lifeMs)
      return refuse(`the one-time code was sent at ${sent.toISOString()} and has expired; send the one of the moment`);
    const step = stepOf(code, found.seed, now);
    if (step === null) {
      this.#count(command, now.getTime());
      return refuse('the one-time code is not right, or no longer', { code: 'wrong', at: now.toISOString() });
    }
    if (this.#spent !== null && step <= this.#spent.step)
      return refuse('this one-time code was used already: wait for the next one');
    this.#spent = { step, command };
    return { ok: true, fact: { code: 'good', step } };
  }

  #count(command: string, at: number): void {
    if (this.#wrong.has(command)) return;
    for (const [other, then] of this.#wrong) if (at - then >= codeLimits.withinMs) this.#wrong.delete(other);
    this.#wrong.set(command, at);
    if (this.#wrong.size < codeLimits.wrongCodes) return;
    this.#lockedUntil = at + codeLimits.lockMs;
    this.#wrong.clear();
  }
}

const withoutSeed = {
  missing: 'there is no one-time code yet: scripts/countersign enrol-code, on the machine itself, makes one',
  unusable: 'the seed of the one-time codes cannot be used: scripts/countersign enrol-code --again makes another',
} as const;

/** The time step that the code is of; null when it is of none that counts now. */
function stepOf(token: string, seed: string, now: Date): number | null {
  const { algorithm, digits, period } = codeParameters;
  const totp = new TOTP({ secret: Secret.fromBase32(seed), algorithm, digits, period });
  const timestamp = now.getTime();
  const delta = totp.validate({ token, timestamp, window: codeLimits.window });
  return delta === null ? null : totp.counter({ timestamp }) + delta;
}

function refuse(reason: string, fact: CodeFact | null = null): CodeVerdict {
  return { ok: false, reason, fact };
}
