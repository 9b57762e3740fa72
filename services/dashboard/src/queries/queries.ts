import type { Readable } from 'node:stream';
import type {
  Approvals,
  ArtifactRow,
  Charts,
  CommandAnswer,
  Configuration,
  LogLines,
  Now,
  Portfolio,
  RunList,
  SearchResults,
  Services,
  TaskDetail,
  TaskList,
  TaskQuery,
} from '@countersign/contracts/page-api.ts';
import type { Index } from '../index/index.ts';

export type QueriesOptions = {
  readonly index: Index;
  /** The folder that holds `inbox/`, `outbox/`, `runs/` and `logs/`. */
  readonly volumes: string;
  /** The folder of the configuration's files. */
  readonly configs: string;
  readonly now?: () => Date;
};

/** A file of an attempt that is open: `stream` yields `end - start` bytes from `start` on and closes it. */
export type OpenedArtifact = ArtifactRow & {
  readonly start: number;
  readonly end: number;
  readonly stream: () => Readable;
  readonly close: () => Promise<void>;
};

/** Names and numbers as they stood in a request's address: none of them is trusted, all are parsed here. */
export type RunsAsked = { readonly after?: unknown; readonly limit?: unknown };
export type LogsAsked = {
  readonly service: unknown;
  /** Lines that end before this place; without `before` and `after`, the last ones. */
  readonly before?: unknown;
  /** Lines that begin at this place or behind it. */
  readonly after?: unknown;
  readonly limit?: unknown;
};
export type ArtifactAsked = {
  readonly task: unknown;
  readonly attempt: unknown;
  readonly name: unknown;
  /** Of the bytes the first, and how many. */
  readonly start?: unknown;
  readonly bytes?: unknown;
};

/** What the page asks; one method for each answer of `page-api.ts`. All of them throw `QueryError`. */
export class Queries {
  constructor(_options: QueriesOptions) {}

  async now(): Promise<Now> {
    throw new Error('not yet');
  }

  async tasks(_query: TaskQuery): Promise<TaskList> {
    throw new Error('not yet');
  }

  async task(_id: unknown): Promise<TaskDetail> {
    throw new Error('not yet');
  }

  async approvals(): Promise<Approvals> {
    throw new Error('not yet');
  }

  async runs(_asked: RunsAsked): Promise<RunList> {
    throw new Error('not yet');
  }

  async portfolio(): Promise<Portfolio> {
    throw new Error('not yet');
  }

  /** @param days 1 to 366 */
  async charts(_days: unknown): Promise<Charts> {
    throw new Error('not yet');
  }

  async search(_q: unknown): Promise<SearchResults> {
    throw new Error('not yet');
  }

  async logs(_asked: LogsAsked): Promise<LogLines> {
    throw new Error('not yet');
  }

  async configuration(): Promise<Configuration> {
    throw new Error('not yet');
  }

  /** What the services say of themselves; `container` is null and `launcher` too, for the launcher is asked by somebody else. */
  async services(): Promise<Services> {
    throw new Error('not yet');
  }

  async artifact(_asked: ArtifactAsked): Promise<OpenedArtifact> {
    throw new Error('not yet');
  }

  /** What came of a command; `waiting` for one that the runner has said nothing of. */
  async commandVerdict(_id: unknown): Promise<CommandAnswer> {
    throw new Error('not yet');
  }
}
