import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { EngineError } from './engine-error.ts';
import { launcherLimits } from './limits.ts';
import { refuse } from './outcome.ts';

/** A request as its route gets it. */
export type Asked = {
  readonly method: string;
  /** The path of the route that answers, or null where there is none. */
  readonly route: string | null;
  /** What stands in the place of each `:name` of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** What stands behind the question mark. Nothing parses it that is not asked for. */
  readonly query: string;
  /** The body as JSON; undefined where there is none, or it is of another type. */
  readonly body: unknown;
};
export type Answer = { readonly status: number; readonly body?: unknown };
/** What answers, by method and path, in which a part `:name` stands for anything. */
export type Routes = Readonly<
  Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, (asked: Asked) => Answer | Promise<Answer>>
>;

/** A request that no route is asked about. */
class RequestError extends Error {
  override readonly name = 'RequestError';
}

/**
 * What listens at every socket of the launcher: paths in one spelling, and small bodies of JSON; what is not in `routes` is not there.
 * @param failed answers what has no route, cannot be read, or failed in its route; it does not throw
 */
export function createSocketApp(routes: Routes, failed: (error: unknown, asked: Asked) => Answer): RequestListener {
  return async (request, response) => {
    const [method, url] = [String(request.method), String(request.url)];
    const end = url.indexOf('?');
    const [path, query] = end < 0 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
    const found = findRoute(routes, method, path);
    const asked: Asked = { method, route: found?.route ?? null, params: {}, query, body: undefined };
    try {
      if (found === undefined) throw new RequestError('there is nothing here');
      const body = method === 'POST' ? await readJson(request) : undefined;
      send(response, await found.answer({ ...asked, params: decode(found.params), body }));
    } catch (error) {
      send(response, failed(error, asked));
    }
  };
}

function findRoute(routes: Routes, method: string, path: string) {
  const given = [method, ...path.split('/')];
  for (const [key, answer] of Object.entries(routes)) {
    const [verb, route = ''] = key.split(' ');
    const pairs = [verb, ...route.split('/')].map((part, index) => [String(part), String(given[index])] as const);
    const params = pairs.filter(([part]) => part.startsWith(':')).map(([part, text]) => [part.slice(1), text] as const);
    const isMeant = pairs.every(([part, text]) => (part.startsWith(':') ? text !== '' : part === text));
    if (isMeant && pairs.length === given.length) return { route, answer, params };
  }
  return undefined;
}

function decode(params: readonly (readonly [string, string])[]): Record<string, string> {
  try {
    return Object.fromEntries(params.map(([name, text]) => [name, decodeURIComponent(text)]));
  } catch {
    throw new RequestError('the path does not decode');
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding !== 'identity') throw new RequestError('the body is encoded');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > launcherLimits.bodyBytes)
      throw new RequestError(`the body is larger than ${launcherLimits.bodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0 || !/^application\/json(?:;|$)/i.test(type)) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new RequestError('the body is no JSON');
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status;
  if (body === undefined) {
    response.end();
    return;
  }
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}

/** The answer to a request whose work failed; all sockets' vocabularies have these codes. */
export function refusalOf(error: unknown) {
  if (error instanceof RequestError) return refuse('bad-request', error.message).refusal;
  if (error instanceof EngineError)
    return error.code === 'unreachable'
      ? refuse('engine-down', `the Docker engine does not answer: ${error.message}`).refusal
      : refuse('internal', `the Docker engine refused: ${error.message}`).refusal;
  return refuse('internal', 'the launcher failed; its log says how').refusal;
}
