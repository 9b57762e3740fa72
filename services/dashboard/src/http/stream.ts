import { pageLimits, type StreamQuery } from '@countersign/contracts/page-api.ts';
import type { Response } from 'express';
import type { Following, Listener, Told } from '../index/feed.ts';
import { dashboardLimits } from '../limits.ts';
import { RequestProblem } from './problem.ts';
import type { Asked } from './route.ts';

/** Where news come from. */
export type Feed = { subscribe(following: Following, listener: Listener): () => void };

const position = /^[0-9]{1,16}$/;

/** The open Server-Sent-Events streams. */
export class Streams {
  readonly #feed: Feed;
  readonly #open = new Set<Response>();

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Tells what happens until the reader goes, its session ends, or it takes too little of what it is sent: then it comes back with
   * the id of what it had last, and misses nothing.
   * @throws RequestProblem when there are as many as there can be
   */
  open({ request, query, session }: Asked<StreamQuery, undefined>, response: Response): void {
    if (this.#open.size >= pageLimits.streams)
      throw new RequestProblem(429, 'too_many_requests', 'Too many pages are open. Close one of them.');
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    if (request.method === 'HEAD') return void response.end();
    this.#open.add(response);
    response.write(`retry: ${dashboardLimits.streamRetryMs}\n\n`);
    const last = request.get('last-event-id') ?? '';
    // A place that nobody was ever told of: whoever asks knows nothing that could be gone on from.
    const isLost = last !== '' && !position.test(last);
    if (isLost) response.write('event: reset\ndata: {}\n\n');
    const after = isLost ? null : last || (query.after ?? null);
    const services = query.log === undefined ? [] : [query.log];

    const send = (text: string) => {
      if (response.writableLength > dashboardLimits.streamBytes) response.destroy();
      else response.write(text);
    };
    const unsubscribe = this.#feed.subscribe({ after, tasks: query.task, services }, (told) => send(eventOf(told)));
    const heartbeat = setInterval(() => send(':\n\n'), dashboardLimits.heartbeatMs);
    const end = () => response.end();
    session.ended.addEventListener('abort', end, { once: true });
    response.once('close', () => {
      this.#open.delete(response);
      unsubscribe();
      clearInterval(heartbeat);
      session.ended.removeEventListener('abort', end);
    });
  }
}

function eventOf(told: Told): string {
  switch (told.kind) {
    case 'batch': {
      const id = told.position === null ? '' : `id: ${told.position}\n`;
      return `${id}data: ${JSON.stringify(told.batch)}\n\n`;
    }
    case 'reset':
      return `id: ${told.position}\nevent: reset\ndata: {}\n\n`;
  }
}
