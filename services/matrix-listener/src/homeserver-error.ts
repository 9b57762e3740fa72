/**
 * What kept the homeserver from doing as it was asked. `unauthorised`: it does not know the token; `forbidden`: not in the
 * room, or no right; `missing`: no such thing; `limited`: too much at once, `retryAfterMs` says when again; `refused`: it does
 * not want this request, now or later; `address`: the gateway does not connect to it; `unreachable`; `bad-answer`.
 */
export class HomeserverError extends Error {
  readonly code:
    | 'unauthorised'
    | 'forbidden'
    | 'missing'
    | 'limited'
    | 'refused'
    | 'address'
    | 'unreachable'
    | 'bad-answer';
  readonly retryAfterMs: number | null;
  /** What the homeserver, or somebody before it, answered; null where no answer came, or one that is no refusal. */
  readonly status: number | null;
  constructor(
    code: HomeserverError['code'],
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null; status?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'HomeserverError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.status = options.status ?? null;
  }
}
