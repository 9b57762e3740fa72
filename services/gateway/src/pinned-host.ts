import type { LookupAddress } from 'node:dns';
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type AddressRule, describeUnresolved, judgeAddresses } from './address-policy.ts';
import type { Limits } from './limits.ts';

/** What is known of a host: the addresses that connections go to, or for people why there are none. */
export type Resolution =
  | { readonly status: 'pinned'; readonly addresses: readonly LookupAddress[] }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'unresolved'; readonly reason: string };

export type PinnedHostOptions = {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Asked at each resolution, for the gateway's own networks may have changed. */
  readonly rule: () => AddressRule;
  readonly allowLoopback: boolean;
  readonly limits: Limits;
  readonly lookup: LookupFunction;
};

/**
 * One host's addresses: resolved once, judged, and kept, so that a name that begins to answer with another address changes
 * nothing. Only a failed connection has it resolved and judged again.
 *
 * Invariants: what was not judged is never given out; one look-up is under way at most, also when it takes longer than its
 * callers wait, for it holds one of the process's few threads.
 */
export class PinnedHost {
  readonly #options: PinnedHostOptions;
  readonly #name: string;
  #known: Resolution | null = null;
  #knownAt = 0;
  #resolving: Promise<Resolution> | null = null;
  #lookingUp: Promise<readonly LookupAddress[]> | null = null;

  constructor(options: PinnedHostOptions) {
    this.#options = options;
    this.#name = new URL(options.origin).hostname.replace(/^\[|\]$/g, '');
  }

  /** Why no connection can be made now, for people; null when one can, or before the first resolution. */
  get problem(): string | null {
    return this.#known === null || this.#known.status === 'pinned' ? null : this.#known.reason;
  }

  /** What is pinned; resolved now when nothing is. Never rejects. */
  async current(): Promise<Resolution> {
    return this.#known?.status === 'pinned' ? this.#known : this.#resolve();
  }

  /**
   * What counts after a connection has failed: resolved anew, unless that was done since or a moment ago. Never rejects.
   * @param failed what the connection was made by
   */
  async renew(failed: Resolution): Promise<Resolution> {
    return this.#known === failed ? this.#resolve() : this.current();
  }

  #resolve(): Promise<Resolution> {
    const isFresh = performance.now() - this.#knownAt < this.#options.limits.resolveAgainMs;
    if (this.#known !== null && isFresh) return Promise.resolve(this.#known);
    this.#resolving ??= this.#learn().finally(() => {
      this.#resolving = null;
    });
    return this.#resolving;
  }

  async #learn(): Promise<Resolution> {
    const rule = this.#options.rule();
    const found = await this.#lookUpInTime();
    if (typeof found === 'string') {
      this.#known = { status: 'unresolved', reason: describeUnresolved(this.#name, found, rule) };
    } else {
      const addresses = found.map(({ address }) => address);
      const reason = judgeAddresses(this.#name, addresses, rule, this.#options.allowLoopback);
      this.#known = reason === null ? { status: 'pinned', addresses: found } : { status: 'refused', reason };
    }
    this.#knownAt = performance.now();
    return this.#known;
  }

  /** The addresses, never none; or the code of what kept them away. */
  async #lookUpInTime(): Promise<readonly LookupAddress[] | string> {
    const { resolveMs } = this.#options.limits;
    const done = new AbortController();
    try {
      this.#lookingUp ??= this.#lookUp().finally(() => {
        this.#lookingUp = null;
      });
      const late = wait(resolveMs, `no answer within ${resolveMs / 1000} s`, { signal: done.signal, ref: false });
      const found = await Promise.race([this.#lookingUp, late]);
      return found.length === 0 ? 'ENODATA' : found;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    } finally {
      done.abort();
    }
  }

  #lookUp(): Promise<readonly LookupAddress[]> {
    const family = isIP(this.#name);
    if (family !== 0) return Promise.resolve([{ address: this.#name, family }]);
    return new Promise((resolve, reject) => {
      this.#options.lookup(this.#name, { all: true }, (error, found) => {
        if (error) reject(error);
        else if (Array.isArray(found)) resolve(found);
        else resolve([{ address: found, family: isIPv6(found) ? 6 : 4 }]);
      });
    });
  }
}

/** Whether two resolutions lead to the same addresses, in whatever order. */
export function sameAddresses(one: readonly LookupAddress[], other: readonly LookupAddress[]): boolean {
  const sorted = (addresses: readonly LookupAddress[]) =>
    JSON.stringify(addresses.map(({ address }) => address).sort());
  return sorted(one) === sorted(other);
}
