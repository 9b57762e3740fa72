import {
  AnswerRequest,
  Approvals,
  Charts,
  Choices,
  CommandAnswer,
  CommandRequest,
  Configuration,
  FilePiece,
  LogLines,
  Now,
  Portfolio,
  RunList,
  SearchResults,
  Services,
  StreamQuery,
  TaskDetail,
  TaskList,
  TaskQuery,
} from '@countersign/contracts/page-api.ts';
import type { Request } from 'express';
import { z } from 'zod';
import type { CommandDesk } from '../commands/command-desk.ts';
import type { Queries } from '../queries/queries.ts';
import { type NamedFile, readPiece, sendFile } from './attempt-file.ts';
import { RequestProblem } from './problem.ts';
import { answering, listed, type Route, writing } from './route.ts';
import { ApiDescription, describeRoutes } from './route-description.ts';
import { type ContainerSource, withContainers } from './services-seen.ts';
import { type SessionParts, sessionRoutes } from './session-routes.ts';
import type { Streams } from './stream.ts';

export type RouteParts = SessionParts & {
  readonly queries: Omit<Queries, 'commandVerdict'>;
  readonly desk: Pick<CommandDesk, 'give' | 'verdict'>;
  readonly containers: ContainerSource;
  readonly streams: Streams;
};

/** As it stood in the address; whoever answers says what it may be. */
const asWritten = z.string().max(512).optional();
const place = z.coerce.number().int();

/** The whole API: what can be asked below `/api/`, what is answered, and by whom. */
export function apiRoutes(parts: RouteParts): readonly Route[] {
  const routes: Route[] = [
    ...sessionRoutes(parts),
    ...questionRoutes(parts),
    ...fileRoutes(parts),
    ...commandRoutes(parts),
    answering('get', '/schema', { title: 'this API', answer: ApiDescription }, () => describeRoutes(routes)),
  ];
  return routes;
}

function questionRoutes({ queries, containers, streams }: RouteParts): readonly Route[] {
  return [
    answering('get', '/now', { title: 'what is running, waiting and wrong', answer: Now }, () => queries.now()),
    answering(
      'get',
      '/tasks',
      { title: 'tasks, newest first', query: listed(['status'], TaskQuery), answer: TaskList },
      ({ query }) => queries.tasks(query),
    ),
    answering('get', '/tasks/:task', { title: 'one task', answer: TaskDetail }, ({ names }) =>
      queries.task(names['task']),
    ),
    answering('get', '/approvals', { title: 'everything that a person is asked', answer: Approvals }, () =>
      queries.approvals(),
    ),
    answering(
      'get',
      '/runs',
      { title: 'runs, newest first', query: z.strictObject({ after: asWritten, limit: asWritten }), answer: RunList },
      ({ query }) => queries.runs(query),
    ),
    answering('get', '/portfolio', { title: 'sums by workspace, tool and model', answer: Portfolio }, () =>
      queries.portfolio(),
    ),
    answering(
      'get',
      '/charts',
      { title: 'sums by day', query: z.strictObject({ days: asWritten }), answer: Charts },
      ({ query }) => queries.charts(query.days ?? '30'),
    ),
    answering(
      'get',
      '/search',
      {
        title: 'tasks, plans and handoffs with these words',
        query: z.strictObject({ q: asWritten }),
        answer: SearchResults,
      },
      ({ query }) => queries.search(query.q ?? ''),
    ),
    answering('get', '/services', { title: 'how the services are', answer: Services }, async () =>
      withContainers(await queries.services(), containers),
    ),
    answering(
      'get',
      '/logs/:service',
      {
        title: 'lines of a service’s log',
        query: z.strictObject({ before: asWritten, after: asWritten, limit: asWritten }),
        answer: LogLines,
      },
      ({ names, query }) => queries.logs({ service: names['service'], ...query }),
    ),
    answering('get', '/choices', { title: 'what a new task may name', answer: Choices }, () => queries.choices()),
    answering(
      'get',
      '/configuration',
      { title: 'the configuration, without what is secret', answer: Configuration },
      () => queries.configuration(),
    ),
    writing(
      'get',
      '/stream',
      { title: 'what happens, as Server-Sent Events', query: listed(['task'], StreamQuery) },
      (asked, response) => streams.open(asked, response),
    ),
  ];
}

function fileRoutes({ queries }: RouteParts): readonly Route[] {
  const attempt = '/tasks/:task/attempts/:attempt';
  return [
    answering(
      'get',
      `${attempt}/files/*name`,
      { title: 'a piece of a file, as text', query: z.strictObject({ from: place.default(0) }), answer: FilePiece },
      ({ names, query }) => readPiece(queries, fileOf(names), query.from),
    ),
    writing(
      'get',
      `${attempt}/download/*name`,
      {
        title: 'a file to be saved, or so many of its bytes',
        query: z.strictObject({ start: place.nonnegative().default(0), bytes: place.positive().optional() }),
      },
      ({ names, query: { start, bytes } }, response) => sendFile(queries, fileOf(names), { start, bytes }, response),
    ),
  ];
}

function commandRoutes({ desk }: RouteParts): readonly Route[] {
  return [
    answering(
      'post',
      '/commands',
      { title: 'a person’s decision', body: CommandRequest, answer: CommandAnswer, status: 202 },
      ({ request, body, session }) => desk.give(body, { key: idempotencyKey(request), session: session.id }),
    ),
    answering(
      'post',
      '/tasks/:task/answer',
      { title: 'what a task’s tool is told', body: AnswerRequest, answer: CommandAnswer, status: 202 },
      ({ request, names, body, session }) =>
        desk.give(
          { kind: 'answer', task: names['task'] ?? '', ...body },
          { key: idempotencyKey(request), session: session.id },
        ),
    ),
    answering('get', '/commands/:command', { title: 'what came of it', answer: CommandAnswer }, ({ names }) =>
      desk.verdict(names['command'] ?? ''),
    ),
  ];
}

function fileOf(names: Readonly<Record<string, string>>): NamedFile {
  return { task: names['task'] ?? '', attempt: names['attempt'] ?? '', name: names['name'] ?? '' };
}

/** The page chooses one for each tap; null for who does not. */
function idempotencyKey({ headers }: Request): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[A-Za-z0-9_-]{8,128}$/.test(key)) return key;
  throw new RequestProblem(400, 'bad_request', 'An Idempotency-Key is 8 to 128 letters, digits, _ and -.');
}
