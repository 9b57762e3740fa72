import type { Request, Response } from 'express';
import { z } from 'zod';
import type { SignedIn } from './signed-in.ts';

/** What a handler is given: everything in it was parsed. */
export type Asked<Query, Body> = {
  readonly request: Request;
  /** By the names in the route's path, decoded; what has slashes in it is joined again. */
  readonly names: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
} & SignedIn;

type Method = 'get' | 'post' | 'delete';

/**
 * One line of the table of routes. `answer` is the shape of a 2xx answer; null for one that is no JSON or has no body, which `send`
 * then writes itself.
 */
export type Route = {
  readonly method: Method;
  readonly path: string;
  /** What it is for, in a few words. */
  readonly title: string;
  readonly query: z.ZodType;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType | null;
  readonly status: number;
  readonly send: (asked: Asked<unknown, unknown>, response: Response) => Promise<void>;
};

const noQuery = z.strictObject({});

type Described<Query extends z.ZodType, Body extends z.ZodType> = {
  readonly title: string;
  readonly query?: Query;
  readonly body?: Body;
};

/** A route that answers with JSON. */
export function answering<Answer extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  method: Method,
  path: string,
  description: Described<Query, Body> & { readonly answer: Answer; readonly status?: number },
  handle: (asked: Asked<z.output<Query>, z.output<Body>>) => z.input<Answer> | Promise<z.input<Answer>>,
): Route {
  const { title, query, body, answer, status = 200 } = description;
  return {
    method,
    path,
    title,
    query: query ?? noQuery,
    body: body ?? null,
    answer,
    status,
    send: async (asked, response) => {
      const value = await handle(asked as Asked<z.output<Query>, z.output<Body>>);
      response.status(status).json(value);
    },
  };
}

/** A route that writes its answer itself: a file, a stream, or nothing. */
export function writing<Query extends z.ZodType>(
  method: Method,
  path: string,
  description: Described<Query, z.ZodType>,
  send: (asked: Asked<z.output<Query>, undefined>, response: Response) => void | Promise<void>,
): Route {
  const { title, query } = description;
  return {
    method,
    path,
    title,
    query: query ?? noQuery,
    body: null,
    answer: null,
    status: 200,
    send: async (asked, response) => {
      await send(asked as Asked<z.output<Query>, undefined>, response);
    },
  };
}

/** A parameter that may come several times. */
export function listed<Schema extends z.ZodType>(names: readonly string[], schema: Schema) {
  return z.preprocess((query) => {
    if (typeof query !== 'object' || query === null) return query;
    const lists = names.flatMap((name) => {
      const value: unknown = Reflect.get(query, name);
      return value === undefined ? [] : [[name, [value].flat()] as const];
    });
    return { ...query, ...Object.fromEntries(lists) };
  }, schema);
}
