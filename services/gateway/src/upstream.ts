import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher, errors } from 'undici';
import type { AddressRule } from './address-policy.ts';
import type { Limits } from './limits.ts';
import { PinnedHost, type Resolution, sameAddresses } from './pinned-host.ts';

/** The server cannot be asked, or answered with what is not passed on. Of an address or a name the message says what to do. */
export class UpstreamError extends Error {
  readonly code: 'refused-address' | 'unresolved' | 'unreachable' | 'timeout' | 'bad-answer';
  constructor(code: UpstreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UpstreamError';
    this.code = code;
  }
}

export type UpstreamOptions = {
  /** What people call it: `the model server`. */
  readonly title: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly rule: () => AddressRule;
  readonly allowLoopback: boolean;
  readonly limits: Limits;
  readonly lookup?: LookupFunction | undefined;
};

export type UpstreamRequest = {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body: Uint8Array | string | null;
  /** The body's media type; JSON unless it is said otherwise. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** One server that requests go to: at the addresses that were pinned, with redirects not followed and nothing unpacked. */
export class Upstream implements AsyncDisposable {
  readonly origin: string;
  readonly #title: string;
  readonly #host: PinnedHost;
  readonly #connectMs: number;
  readonly #agent: Agent;

  constructor({
    title,
    origin,
    rule,
    allowLoopback,
    limits,
    lookup = systemLookup as LookupFunction,
  }: UpstreamOptions) {
    this.origin = origin;
    this.#title = title;
    this.#host = new PinnedHost({ origin, rule, allowLoopback, limits, lookup });
    this.#connectMs = limits.upstreamConnectMs;
    this.#agent = new Agent({
      allowH2: false,
      headersTimeout: limits.upstreamIdleMs,
      bodyTimeout: limits.upstreamIdleMs,
      connect: (options, callback) => {
        this.#connect(options).then(
          (socket) => callback(null, socket),
          (error) => callback(error, null),
        );
      },
    });
  }

  /** Why its name leads to no address that is connected to, for people; null when it does, or before that is known. */
  get problem(): string | null {
    return this.#host.problem;
  }

  /** Resolves its name unless an address is pinned; what came of it is in `problem`. */
  async resolve(): Promise<void> {
    await this.#host.current();
  }

  /**
   * One request with headers of our own; resolves when the answer's headers are here.
   * @throws UpstreamError, or the signal's reason
   */
  async request(
    { method, path, body, type = 'application/json', headers }: UpstreamRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      const answer = await this.#agent.request({
        origin: this.origin,
        path,
        method,
        body,
        headers: { ...headers, ...(body === null ? {} : { 'content-type': type }) },
        signal,
      });
      const problem = problemOf(answer);
      if (problem === null) return answer;
      answer.body.on('error', () => undefined).destroy();
      throw new UpstreamError('bad-answer', `${this.#title} answered ${problem}`);
    } catch (error) {
      signal.throwIfAborted();
      throw asUpstreamError(error, this.#title);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  /** A connection that failed is made once more where the host has moved: nothing of a request was sent on it. */
  async #connect(options: buildConnector.Options): Promise<Socket> {
    const pinned = orThrow(await this.#host.current());
    try {
      return await this.#open(options, pinned);
    } catch (error) {
      const renewed = orThrow(await this.#host.renew(pinned), error);
      if (sameAddresses(renewed.addresses, pinned.addresses)) throw error;
      return await this.#open(options, renewed);
    }
  }

  /** Connects to one of the addresses; the name stays what a certificate is compared with. */
  #open(options: buildConnector.Options, { addresses }: Pinned): Promise<Socket> {
    const connect = buildConnector({
      timeout: this.#connectMs,
      allowH2: false,
      autoSelectFamily: true,
      lookup: (_name, _options, callback) => callback(null, [...addresses]),
    });
    return new Promise((resolve, reject) => {
      connect(options, (error, socket) => {
        if (error === null) resolve(socket);
        else reject(error);
      });
    });
  }
}

type Pinned = Extract<Resolution, { status: 'pinned' }>;

function orThrow(resolution: Resolution, cause?: unknown): Pinned {
  switch (resolution.status) {
    case 'pinned':
      return resolution;
    case 'refused':
      throw new UpstreamError('refused-address', resolution.reason, { cause });
    case 'unresolved':
      throw new UpstreamError('unresolved', resolution.reason, { cause });
  }
}

function problemOf({ statusCode, headers }: Dispatcher.ResponseData): string | null {
  if (statusCode >= 300 && statusCode < 400) return `${statusCode}; redirects are not followed`;
  if (statusCode < 200 || statusCode > 599) return `${statusCode}, which is no status of HTTP`;
  const encoding = headers['content-encoding'];
  return encoding === undefined || encoding === 'identity' ? null : 'in a compressed encoding';
}

const notHttp = new Set(['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_HEADERS_OVERFLOW']);

function asUpstreamError(error: unknown, title: string): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new UpstreamError('timeout', `${title} said nothing for too long`, { cause: error });
  }
  if (notHttp.has(code) || error instanceof errors.HTTPParserError) {
    return new UpstreamError('bad-answer', `${title} does not speak HTTP`, { cause: error });
  }
  return new UpstreamError('unreachable', `${title} does not answer (${code})`, { cause: error });
}
