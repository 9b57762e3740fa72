import type { RequestListener } from 'node:http';
import { ProfileName, type Refusal, SignalSandbox, StartSandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId, WorkspaceName } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { z } from 'zod';
import type { Engine } from './engine.ts';
import { describeHealth } from './engine-health.ts';
import { launcherLimits } from './limits.ts';
import { type Outcome, refuse } from './outcome.ts';
import type { ProfileBook } from './profile-book.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { ToldOrders } from './services/told-orders.ts';
import { type Answer, type Asked, createSocketApp, type Routes, refusalOf } from './socket-app.ts';

const statuses: Readonly<Record<Refusal['code'], number>> = {
  'unknown-profile': 404,
  'no-such-sandbox': 404,
  'slot-taken': 409,
  'bad-request': 422,
  'no-image': 422,
  'image-unfit': 422,
  'runtime-missing': 422,
  'not-as-compiled': 422,
  'engine-down': 503,
  'too-many-sandboxes': 503,
  internal: 500,
};

const ProfileQuery = z.strictObject({ workspace: WorkspaceName.nullable().default(null) });

/** The API of `contracts/launcher-api.ts`; nothing else is answered. @param stop aborts what is under way */
export function createRoutes(
  parts: {
    readonly engine: Engine;
    readonly profiles: ProfileBook;
    readonly sandboxes: Sandboxes;
    readonly told: ToldOrders;
  },
  logger: Logger,
  stop: AbortSignal,
): RequestListener {
  const { engine, profiles, sandboxes, told } = parts;

  const deadline = () => AbortSignal.any([stop, AbortSignal.timeout(launcherLimits.requestMs)]);
  const refused = (refusal: Refusal, { method, route }: Asked, status = statuses[refusal.code]): Answer => {
    logger.warn({ method, route, code: refusal.code, detail: refusal.message }, 'refused');
    return { status, body: refusal };
  };
  /** The outcome of what a request asks for; a request that does not parse asks for nothing. */
  const answer = async <Input, Value>(
    asked: Asked,
    parsed: z.ZodSafeParseResult<Input>,
    work: (input: Input) => Promise<Outcome<Value>>,
    told: (value: Value) => Answer,
  ): Promise<Answer> => {
    const outcome = parsed.success ? await work(parsed.data) : refuse('bad-request', z.prettifyError(parsed.error));
    return outcome.ok ? told(outcome.value) : refused(outcome.refusal, asked);
  };

  const routes: Routes = {
    'GET /health': async () => ({ status: 200, body: await describeHealth(engine, stop) }),
    'GET /profiles/:name': (asked) =>
      answer(
        asked,
        z.strictObject({ name: ProfileName, query: ProfileQuery }).safeParse({
          name: asked.params['name'],
          query: queryOf(asked.query),
        }),
        ({ name, query }) => profiles.resolve(name, query.workspace, deadline()),
        (resolved) => ({ status: 200, body: resolved.answer }),
      ),
    'GET /sandboxes': async () => ({ status: 200, body: { sandboxes: await sandboxes.list(deadline()) } }),
    'GET /orders': () => ({ status: 200, body: { orders: told.list() } }),
    'POST /sandboxes': (asked) =>
      answer(
        asked,
        StartSandbox.safeParse(asked.body),
        (start) => sandboxes.start(start, deadline()),
        (sandbox) => ({ status: 201, body: sandbox }),
      ),
    'POST /sandboxes/:id/signal': (asked) =>
      answer(
        asked,
        z.strictObject({ id: SlotId, body: SignalSandbox }).safeParse({ id: asked.params['id'], body: asked.body }),
        ({ id, body }) => sandboxes.signal(id, body, deadline()),
        () => ({ status: 204 }),
      ),
    'DELETE /sandboxes/:id': (asked) =>
      answer(
        asked,
        SlotId.safeParse(asked.params['id']),
        async (id) => ({ ok: true, value: await sandboxes.remove(id, deadline()) }),
        () => ({ status: 204 }),
      ),
  };
  return createSocketApp(routes, (error, asked) => {
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') logger.error({ err: error }, 'a request failed');
    return refused(refusal, asked, asked.route === null ? 404 : undefined);
  });
}

/** A name with brackets is a name like others, and what is given twice becomes a list, which is no text. */
function queryOf(query: string): unknown {
  const pairs = [...new URLSearchParams(query)];
  return Object.fromEntries(
    Object.entries(Object.groupBy(pairs, ([name]) => name)).map(([name, given]) => [
      name,
      given?.length === 1 ? given[0]?.[1] : given,
    ]),
  );
}
