import type { Scheme } from '../session/cookie.ts';

/** The addresses at which the page may be asked for: exact values of `Host`, in lower case, and how each is reached. */
export class KnownHosts {
  readonly #schemes: ReadonlyMap<string, Scheme>;
  readonly #origins: ReadonlySet<string>;

  /**
   * @param port where the page is published on this machine's loopback
   * @param behindHttps hosts of a proxy that speaks https, such as `tailscale serve`
   */
  constructor(port: number, behindHttps: readonly string[]) {
    const local = ['127.0.0.1', 'localhost', '[::1]'].map((name): [string, Scheme] => [`${name}:${port}`, 'http']);
    const others = behindHttps.map((host): [string, Scheme] => [host, 'https']);
    this.#schemes = new Map([...local, ...others]);
    this.#origins = new Set([...this.#schemes].map(([host, scheme]) => `${scheme}://${host}`));
  }

  isKnown(host: string): boolean {
    return this.#schemes.has(host.toLowerCase());
  }

  /** How a host is reached. What a proxy claims in a header is not looked at: everybody could claim it. */
  schemeOf(host: string): Scheme {
    return this.#schemes.get(host.toLowerCase()) ?? 'http';
  }

  /** Whether pages of this origin are our own. */
  isOwnOrigin(origin: string): boolean {
    return this.#origins.has(origin);
  }
}
