import type { HealthReport } from '@countersign/contracts/health.ts';
import { NextChange } from './next-change.ts';

type Part = 'room' | 'sync' | 'send' | 'journals' | 'token';
type Severity = Exclude<HealthReport['status'], 'ok'>;

/** What keeps the listener from its work, by the part that is kept from it. */
export class Troubles {
  readonly #troubles = new Map<Part, { severity: Severity; reason: string }>();
  readonly #changed = new NextChange();

  /** @param severity `failing`: a person has to do something; `waiting`: it may pass by itself */
  set(part: Part, severity: Severity, reason: string): void {
    const before = this.#troubles.get(part);
    this.#troubles.set(part, { severity, reason });
    if (before?.severity !== severity || before.reason !== reason) this.#changed.tell();
  }

  clear(part: Part): void {
    if (this.#troubles.delete(part)) this.#changed.tell();
  }

  /** Is aborted by the next change. */
  get changed(): AbortSignal {
    return this.#changed.signal;
  }

  get report(): { readonly status: HealthReport['status']; readonly reason: string } {
    const all = [...this.#troubles.values()];
    const status = all.some(({ severity }) => severity === 'failing') ? 'failing' : all.length > 0 ? 'waiting' : 'ok';
    return { status, reason: [...new Set(all.map(({ reason }) => reason))].join('; ') };
  }
}
