import type { IncomingMessage, ServerResponse } from 'node:http';
import { decide, type Route } from './allow-list.ts';
import { checkBody, type Demand } from './body-policy.ts';
import { chargeFor } from './charge-for.ts';
import type { Limits } from './limits.ts';
import type { Running } from './model-usage.ts';
import { passThrough } from './pass-through.ts';
import { discardBody, readBody } from './read-body.ts';
import { answerRefusal, dialectOf, errorBody, type Refusal } from './refusal.ts';
import type { SlotLog } from './slot-log.ts';
import type { SlotUsage } from './slot-usage.ts';
import { TailMeter } from './tail-meter.ts';
import { type Upstream, UpstreamError } from './upstream.ts';

/** What the requests of one slot are judged by and where they go. */
export type SlotContext = {
  readonly model: string;
  readonly upstream: Upstream;
  readonly limits: Limits;
  readonly usage: SlotUsage;
  readonly log: SlotLog;
};

/** Serves one request of a sandbox: refused in a fixed order, each refusal with its reason; only `forward` sends anything on. */
export async function handleRequest(
  context: SlotContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { log, usage } = context;
  const method = request.method ?? '';
  const target = request.url ?? '';
  const refuse = async (refusal: Refusal) => {
    log.refused(method, target, refusal);
    await discardBody(request, context.limits.bodyBytes);
    answer(response, refusal, target);
  };
  const decision = decide({ method, target, httpVersion: request.httpVersion, headers: request.headers });
  if (decision.status === 'refused') return refuse(decision.refusal);
  const full = usage.enter();
  if (full !== null) return refuse(full);
  const held = { bytes: 0 };
  try {
    const accepted = await acceptBody(context, decision.route, request, held);
    if (accepted.status === 'refused') return await refuse(accepted.refusal);
    if (accepted.status === 'allowed') await forward(context, decision.route, accepted, response);
  } catch (error) {
    log.failed(`${decision.route.method} ${decision.route.path}`, error);
    if (response.headersSent) response.destroy();
    else answer(response, { status: 500, reason: 'the gateway failed' }, target);
  } finally {
    usage.held.give(held.bytes);
    usage.leave();
  }
}

/** What the model is asked, and how far. */
type Work = { readonly demand: Demand; readonly running: Running };
type Sending = { readonly body: Buffer | null; readonly work: Work | null };
type Accepted =
  | ({ readonly status: 'allowed' } & Sending)
  | { readonly status: 'refused'; readonly refusal: Refusal }
  | { readonly status: 'gone' };

/**
 * The body to send on, if the route has one. Nothing but it outlives this call: a request may wait for the model for minutes.
 * @param held is told what is to be given back when the request has ended
 */
async function acceptBody(
  { limits, model, usage }: SlotContext,
  route: Route,
  request: IncomingMessage,
  held: { bytes: number },
): Promise<Accepted> {
  if (route.body === null) return { status: 'allowed', body: null, work: null };
  const { outcome, charged } = await readBody(request, limits.bodyBytes, usage.held);
  held.bytes = charged;
  const spent = usage.addSent(charged);
  if (outcome.status !== 'read') return outcome;
  if (spent !== null) return { status: 'refused', refusal: spent };
  const checked = checkBody(route, outcome.bytes, model);
  if (checked.status === 'refused') return checked;
  const { demand, write } = checked;
  if (demand === null) return { status: 'allowed', body: write(0), work: null };
  const begun = usage.model.begin(demand);
  if (begun.status === 'refused') return begun;
  return { status: 'allowed', body: write(begun.running.mostTokens), work: { demand, running: begun.running } };
}

async function forward(
  context: SlotContext,
  route: Route,
  { body, work }: Sending,
  response: ServerResponse,
): Promise<void> {
  const { log, usage, limits } = context;
  const startedAt = performance.now();
  const client = new AbortController();
  const leave = () => client.abort();
  response.once('close', leave);
  const stop = work === null ? client.signal : AbortSignal.any([client.signal, work.running.cut.signal]);
  const bytesIn = body?.length ?? 0;
  const meter = new TailMeter(limits.tailBytes, dialectOf(route.path));
  const charge = { prompt: 0, completion: 0 };
  const settle = (status: number | null) => {
    const seen = { counts: meter.counts(), written: meter.written, status, bytesIn };
    const elapsedMs = performance.now() - startedAt;
    return Object.assign(charge, work === null ? seen.counts : chargeFor(work, { ...seen, elapsedMs }, limits));
  };
  try {
    if (response.destroyed) return;
    const { method, path } = route;
    const theirs = await context.upstream.request({ method, path, body }, stop);
    const passing = {
      headers: ['content-type'],
      maximumBytes: Number.POSITIVE_INFINITY,
      clientStallMs: limits.clientStallMs,
      onChunk: (chunk: Uint8Array) => {
        meter.push(chunk);
        if (work?.demand.isStream === true) usage.model.progress(work.running, meter.written);
      },
    };
    const { ended, bytes } = await passThrough(theirs, response, passing, stop);
    log.ended({
      ...summary(route, startedAt, bytesIn),
      ended: ended !== 'passed' && isCut(work) ? 'budget' : ended,
      status: theirs.statusCode,
      bytes_out: bytes,
      tokens: settle(theirs.statusCode),
    });
  } catch (error) {
    const refusal = isCut(work) ? usage.model.refusal('tokens') : client.signal.aborted ? null : refusalOf(error);
    if (refusal !== null) answer(response, refusal, route.path);
    log.ended({
      ...summary(route, startedAt, bytesIn),
      ...(refusal === null
        ? { ended: 'client', status: 0 }
        : { ended: isCut(work) ? 'budget' : 'upstream', status: refusal.status }),
      bytes_out: 0,
      // What never reached the server, or was refused by it, has cost nothing.
      tokens: settle(refusal === null || isCut(work) ? null : refusal.status),
    });
  } finally {
    response.off('close', leave);
    if (work !== null) usage.model.end(work.running, charge);
  }
}

function isCut(work: Work | null): boolean {
  return work?.running.cut.signal.aborted === true;
}

function answer(response: ServerResponse, refusal: Refusal, path: string): void {
  answerRefusal(response, refusal.status, errorBody(refusal, dialectOf(path)));
}

function summary(route: Route, startedAt: number, bytesIn: number) {
  return {
    route: `${route.method} ${route.path}`,
    bytes_in: bytesIn,
    duration_ms: Math.round(performance.now() - startedAt),
  };
}

/** What a sandbox is told of the model server: what happened, not where the server is. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof UpstreamError)) throw error;
  switch (error.code) {
    case 'unreachable':
      return { status: 503, reason: error.message };
    case 'unresolved':
      return { status: 503, reason: "the model server's name leads to no address" };
    case 'refused-address':
      return { status: 503, reason: 'the model server has an address that is not connected to' };
    case 'timeout':
      return { status: 504, reason: error.message };
    case 'bad-answer':
      return { status: 502, reason: error.message };
  }
}
