import { setTimeout as sleep } from 'node:timers/promises';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import { z } from 'zod';
import { EnrolError } from './enrol-error.ts';
import { answerBytes, doorWordsCharacters, leastWaitMs, patienceMs, requestMs } from './limits.ts';

const Refusal = z.object({ errcode: z.string(), retry_after_ms: z.number().nonnegative().optional() });

/** A refusal is for the caller to judge: many of them only say that something is not there yet. */
export type Answer<Value> =
  | { readonly status: 'ok'; readonly value: Value }
  | { readonly status: 'refused'; readonly code: number; readonly errcode: string };

type Call<Schema extends z.ZodType> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/_matrix/client/v3`, or a whole one that starts with `/_`. */
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly answer: Schema;
};

/** How people are told of a homeserver, and the way to it. */
export type Manner = {
  readonly name: string;
  /** Who does not answer when nobody does, and what to do then. */
  readonly away: { readonly who: string; readonly mend: string };
  /** What to do when it was something that passes. */
  readonly again: string;
  readonly fetch: typeof globalThis.fetch;
};

/** A homeserver's HTTP API: bounded in time and size, no redirects followed, what comes back parsed. */
export class Homeserver {
  readonly manner: Manner;
  readonly #origin: string;

  /** @param manner of the stack's own Synapse, unless it is said otherwise */
  constructor(origin: string, manner: Partial<Manner> = {}) {
    this.#origin = origin;
    this.manner = {
      name: 'Synapse',
      away: { who: origin, mend: 'Its log: docker compose logs synapse.' },
      again: 'run scripts/up again',
      fetch: globalThis.fetch,
      ...manner,
    };
  }

  /** @throws EnrolError when it does not answer, or not as a homeserver does */
  async call<Schema extends z.ZodType>(call: Call<Schema>): Promise<Answer<z.output<Schema>>> {
    const end = Date.now() + patienceMs;
    const { name, again } = this.manner;
    for (;;) {
      const { code, text } = await this.#send(call);
      if (code === 200) return { status: 'ok', value: parse(call, call.answer, text) };
      if (code >= 500)
        throw new EnrolError(
          `${name} failed at ${call.method} ${call.path}: ${code}${wordsOfDoor(text)}. When that has passed, ${again}.`,
        );
      const refusal = parse(call, Refusal, text);
      if (code !== 429) return { status: 'refused', code, errcode: refusal.errcode };
      const waitMs = Math.max(refusal.retry_after_ms ?? 0, leastWaitMs);
      if (Date.now() + waitMs > end)
        throw new EnrolError(`${name} allows no more ${call.path} for ${Math.ceil(waitMs / 1_000)} s: ${again} then.`);
      await sleep(waitMs);
    }
  }

  /** The same where a refusal is nothing that a next step could mend. @throws EnrolError */
  async must<Schema extends z.ZodType>(call: Call<Schema>): Promise<z.output<Schema>> {
    const answer = await this.call(call);
    if (answer.status === 'ok') return answer.value;
    throw new EnrolError(
      `${this.manner.name} refused ${call.method} ${call.path}: ${answer.code} ${inert(answer.errcode)}.`,
    );
  }

  async #send(call: Call<z.ZodType>): Promise<{ code: number; text: string }> {
    const path = call.path.startsWith('/_') ? call.path : `/_matrix/client/v3${call.path}`;
    try {
      const answer = await this.manner.fetch(`${this.#origin}${path}`, {
        method: call.method,
        redirect: 'error',
        headers: {
          ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal: AbortSignal.timeout(requestMs),
      });
      return { code: answer.status, text: await readText(answer) };
    } catch (cause) {
      const { who, mend } = this.manner.away;
      throw new EnrolError(`${who} does not answer: ${reasonOf(cause)}. ${mend}`, { cause });
    }
  }
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytes) throw new Error(`more than ${answerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse<Schema extends z.ZodType>(call: Call<z.ZodType>, schema: Schema, text: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EnrolError(`What answers ${call.method} ${call.path} is no homeserver.`, { cause });
  }
}

/** What the gateway's door says of a homeserver that it cannot ask. */
function wordsOfDoor(text: string): string {
  try {
    return ` (${inertLine(DoorError.parse(JSON.parse(text)).error).slice(0, doorWordsCharacters)})`;
  } catch {
    return '';
  }
}

/** The innermost cause is the one that names what happened to the connection. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

function inert(text: string): string {
  return text.replace(/[^\w.-]/g, '?').slice(0, 100);
}
