import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { refuseAddress } from './address-policy.ts';
import type { Limits } from './limits.ts';

/** The model server cannot be asked, or answered with what is not passed on. */
export class UpstreamError extends Error {
  readonly code: 'refused-address' | 'unreachable' | 'timeout' | 'bad-answer';
  constructor(code: UpstreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UpstreamError';
    this.code = code;
  }
}

export type UpstreamOptions = {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly allowLoopback: boolean;
  readonly limits: Limits;
  readonly lookup?: LookupFunction;
};

/**
 * The one server requests go to. Its address is judged for every connection, after the name was resolved, so that a name whose
 * address changes gains nothing; redirects are not followed.
 */
export class Upstream implements AsyncDisposable {
  readonly origin: string;
  readonly #agent: Agent;

  constructor({ origin, allowLoopback, limits, lookup = systemLookup as LookupFunction }: UpstreamOptions) {
    this.origin = origin;
    const connectSocket = buildConnector({
      timeout: limits.upstreamConnectMs,
      allowH2: false,
      lookup: checkedLookup(lookup, allowLoopback),
    });
    this.#agent = new Agent({
      allowH2: false,
      headersTimeout: limits.upstreamIdleMs,
      bodyTimeout: limits.upstreamIdleMs,
      connect: (options, callback) => {
        // A literal address is never looked up, so it is judged here.
        const reason = isIP(options.hostname) === 0 ? null : refuseAddress(options.hostname, allowLoopback);
        if (reason === null) connectSocket(options, callback);
        else callback(new UpstreamError('refused-address', reason), null);
      },
    });
  }

  /**
   * One request with headers of our own; resolves when the answer's headers are here.
   * @throws UpstreamError, or the signal's reason
   */
  async request(
    method: 'GET' | 'POST',
    path: string,
    body: Uint8Array | string | null,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      const answer = await this.#agent.request({
        origin: this.origin,
        path,
        method,
        body,
        headers: body === null ? {} : { 'content-type': 'application/json' },
        signal,
      });
      const problem = problemOf(answer);
      if (problem === null) return answer;
      answer.body.on('error', () => undefined).destroy();
      throw new UpstreamError('bad-answer', problem);
    } catch (error) {
      signal.throwIfAborted();
      throw asUpstreamError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

function problemOf({ statusCode, headers }: Dispatcher.ResponseData): string | null {
  if (statusCode < 200 || (statusCode >= 300 && statusCode < 400)) {
    return `the model server answered ${statusCode}; redirects are not followed`;
  }
  const encoding = headers['content-encoding'];
  return encoding === undefined || encoding === 'identity'
    ? null
    : 'the model server answered in a compressed encoding';
}

/** Every address that a name has must be fit: which one is connected to is not ours to choose. */
function checkedLookup(lookup: LookupFunction, allowLoopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      if (error) return callback(error, '', 0);
      const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
      for (const address of addresses) {
        const reason = refuseAddress(address, allowLoopback);
        if (reason !== null) return callback(new UpstreamError('refused-address', reason), '', 0);
      }
      callback(null, found, family);
    });
  };
}

function asUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new UpstreamError('timeout', 'the model server said nothing for too long', { cause: error });
  }
  if (code.startsWith('HPE_')) {
    return new UpstreamError('bad-answer', 'the model server does not speak HTTP', { cause: error });
  }
  return new UpstreamError('unreachable', `the model server does not answer (${code})`, { cause: error });
}
