import { attachedFileType } from '@countersign/contracts/attached-file.ts';
import { announcesBody, type RequestHead, refuseHead } from '../request-head.ts';
import { matchPath } from './path.ts';
import { readQuery, writeQuery } from './query.ts';
import { type DoorRefusal, notAllowed } from './refusal.ts';
import { type DoorRoute, doorRoutes } from './routes.ts';

/** What goes on: built from checked parts. */
export type Admitted = {
  readonly route: DoorRoute;
  /** Path and query. */
  readonly path: string;
  readonly authorization: string | null;
  /** For how long the homeserver was asked to hold its answer, in milliseconds. */
  readonly holdMs: number;
};

type Decision =
  | { readonly status: 'allowed'; readonly admitted: Admitted }
  | { readonly status: 'refused'; readonly refusal: DoorRefusal };

const bearer = /^Bearer [\x21-\x7e]{1,4096}$/;

/** Whether a request may go on, from its head alone: refused in a fixed order, and only the last line allows. */
export function decideDoor(head: RequestHead): Decision {
  const problem = refuseHead(head);
  if (problem !== null) return refuse(problem);
  const { authorization } = head.headers;
  if (authorization !== undefined && !bearer.test(authorization)) return refuse('the authorization is no bearer token');
  const mark = head.target.indexOf('?');
  const found = findRoute(head.method, mark === -1 ? head.target : head.target.slice(0, mark));
  if (found === null) return refuse('this method and path are not forwarded');
  const { route, path } = found;
  if (route.body === 'none' && announcesBody(head.headers)) return refuse('this route takes no body');
  const query = mark === -1 ? noQuery : readQuery(head.target.slice(mark + 1), route.query);
  if (!query.ok) return refuse(query.reason);
  if (route.needsQuery && Object.keys(route.query).some((key) => !query.values.has(key)))
    return refuse('the query lacks a key without which this route is not forwarded');
  if (route.body === 'text' && head.headers['content-type'] !== attachedFileType)
    return refuse(`this route takes ${attachedFileType} and nothing else`);
  const holdMs = Number(query.values.get('timeout') ?? 0);
  const admitted = { route, path: path + writeQuery(query.values), authorization: authorization ?? null, holdMs };
  return { status: 'allowed', admitted };
}

const noQuery = { ok: true, values: new Map<string, string>() } as const;

function findRoute(method: string, path: string): { route: DoorRoute; path: string } | null {
  for (const route of doorRoutes) {
    const matched = route.method === method ? matchPath(route.path, path) : null;
    if (matched !== null) return { route, path: matched };
  }
  return null;
}

function refuse(reason: string): Decision {
  return { status: 'refused', refusal: notAllowed(reason) };
}
