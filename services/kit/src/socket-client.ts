import { serviceLimits } from '@countersign/contracts/limits.ts';
import { Pool } from 'undici';
import type { z } from 'zod';

/** Another service of the stack did not answer, or not as agreed. */
export class ServiceError extends Error {
  readonly code: 'unreachable' | 'refused' | 'bad-answer';
  readonly status: number;
  readonly body: unknown;
  constructor(
    code: ServiceError['code'],
    message: string,
    details: { status?: number; body?: unknown; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'ServiceError';
    this.code = code;
    this.status = details.status ?? 0;
    this.body = details.body;
  }
}

/** A client of one service's HTTP API on a unix socket. */
export class SocketClient implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #name: string;

  constructor(name: string, socketPath: string) {
    this.#name = name;
    this.#pool = new Pool('http://service', {
      socketPath,
      // A request that takes long, as the start of a sandbox does, must not hold up the next one.
      connections: serviceLimits.connections,
      maxResponseSize: serviceLimits.answerBytes,
      headersTimeout: serviceLimits.requestMs,
      bodyTimeout: serviceLimits.requestMs,
      connect: { timeout: serviceLimits.healthMs },
      keepAliveTimeout: 1_000,
    });
  }

  /**
   * One request; the answer's body is parsed with `schema`, or dropped when it is null.
   * @throws ServiceError `unreachable`, `refused` (status 400 and above; `body` has the refusal) or `bad-answer`
   */
  async request<Schema extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    schema: Schema,
    options?: { body?: unknown; signal?: AbortSignal },
  ): Promise<z.output<Schema>>;
  async request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    schema: null,
    options?: { body?: unknown; signal?: AbortSignal },
  ): Promise<undefined>;
  async request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    schema: z.ZodType | null,
    options: { body?: unknown; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const { status, text } = await this.#send(method, path, options);
    if (status >= 400)
      throw new ServiceError('refused', `${this.#name} answered ${status}`, { status, body: parseJson(text) });
    if (schema === null) return undefined;
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) throw new ServiceError('bad-answer', `${this.#name}: ${parsed.error.message}`, { status });
    return parsed.data;
  }

  async #send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: { body?: unknown; signal?: AbortSignal },
  ): Promise<{ status: number; text: string }> {
    try {
      const response = await this.#pool.request({
        method,
        path,
        ...(options.body === undefined
          ? {}
          : { body: JSON.stringify(options.body), headers: { 'content-type': 'application/json' } }),
        signal: options.signal ?? null,
      });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (cause) {
      options.signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new ServiceError('unreachable', `${this.#name} does not answer: ${detail}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
