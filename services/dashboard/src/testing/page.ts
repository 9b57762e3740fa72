import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Command } from '@countersign/contracts/command.ts';
import { pageLimits, type TaskDetail } from '@countersign/contracts/page-api.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { isTemporary } from '@countersign/kit/files.ts';
import type { Express } from 'express';
import { pino } from 'pino';
import request from 'supertest';
import { CommandDesk, type DeskParts } from '../commands/command-desk.ts';
import type { OrderOutcome } from '../commands/service-orders.ts';
import { createApp } from '../http/app.ts';
import type { GuardName } from '../http/guards.ts';
import { KnownHosts } from '../http/known-hosts.ts';
import type { Route } from '../http/route.ts';
import { apiRoutes, type RouteParts } from '../http/routes.ts';
import { Streams } from '../http/stream.ts';
import type { Following, Listener } from '../index/feed.ts';
import type { OpenedArtifact, Queries } from '../queries/queries.ts';
import { QueryError } from '../queries/query-error.ts';
import { LoginToken } from '../session/login-token.ts';
import { Sessions } from '../session/sessions.ts';
import { emptyAnswers, makeDetail, makeServices, waitingAnswer } from './samples.ts';

export const loginToken = 'T'.repeat(43);
export const localHost = '127.0.0.1:7860';
export const tailnetHost = 'box.tail1234.ts.net';
export const ownOrigin = `http://${localHost}`;

/** A feed that says what a test makes it say. */
class ScriptedFeed {
  readonly followed: Following[] = [];
  readonly listeners = new Set<Listener>();

  subscribe(following: Following, listener: Listener): () => void {
    this.followed.push(following);
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

type Fakes = {
  /** What is asked of the query side beside what a test needs is nothing it has. */
  readonly queries?: Partial<Queries>;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly without?: readonly GuardName[];
  readonly write?: NonNullable<DeskParts['write']>;
  readonly page?: Readonly<Record<string, string>>;
};

/** The HTTP side over a folder of its own, with a query side that knows one task, and a clock that a test can set. */
export class TestPage implements AsyncDisposable {
  readonly folder: string;
  readonly app: Express;
  readonly sessions: Sessions;
  readonly feed = new ScriptedFeed();
  readonly streams: Streams;
  readonly routes: readonly Route[];
  readonly publicKey: KeyObject;
  readonly log: string[] = [];
  now = Date.parse('2026-01-02T03:04:05.678Z');
  detail: TaskDetail = makeDetail();
  services = makeServices('ok');
  launcher: OrderOutcome = { status: 'silent', reason: 'the launcher does not answer' };
  readonly orders: unknown[] = [];

  private constructor(folder: string, { queries, files = {}, without, write }: Fakes) {
    this.folder = folder;
    this.sessions = new Sessions(() => this.now);
    this.streams = new Streams(this.feed);
    const { privateKey } = generateKeyPairSync('ed25519');
    this.publicKey = createPublicKey(privateKey);
    const hosts = new KnownHosts(7860, [tailnetHost]);
    const known = {
      ...emptyAnswers,
      task: async (id: unknown) => {
        if (id !== this.detail.record.id) throw new QueryError('not_found', 'There is no such task.');
        return this.detail;
      },
      services: async () => this.services,
      commandVerdict: async (id: unknown) => waitingAnswer(String(id)),
      artifact: async (asked: Parameters<Queries['artifact']>[0]) => openText(files, asked),
      ...queries,
    };
    const desk = new CommandDesk({
      spool: join(folder, 'spool'),
      key: privateKey,
      user: 'operator',
      queries: known,
      orders: {
        order: async (order) => {
          this.orders.push(order);
          return this.launcher;
        },
      },
      now: () => this.now,
      ...(write === undefined ? {} : { write }),
    });
    this.routes = apiRoutes({
      queries: known as unknown as RouteParts['queries'],
      desk,
      containers: { look: async () => this.launcher },
      streams: this.streams,
      sessions: this.sessions,
      hosts,
      version: '0.0.0',
    }).map(checked);
    const lines = new Writable({
      write: (line, _encoding, done) => {
        this.log.push(String(line));
        done();
      },
    });
    const logger = pino({ level: 'debug' }, lines);
    const parts = { token: new LoginToken(loginToken), sessions: this.sessions, hosts, routes: this.routes, logger };
    this.app = createApp({ ...parts, page: join(folder, 'page') }, without);
  }

  static async make(fakes: Fakes = {}): Promise<TestPage> {
    const folder = await mkdtemp(join(tmpdir(), 'dashboard-http-'));
    await mkdir(join(folder, 'spool'));
    await mkdir(join(folder, 'page/assets'), { recursive: true });
    for (const [name, text] of Object.entries(fakes.page ?? {})) await writeFile(join(folder, 'page', name), text);
    return new TestPage(folder, fakes);
  }

  setState(state: TaskState): void {
    this.detail = makeDetail(state);
  }

  /** A browser that has opened the link. */
  async signIn(host = localHost): Promise<Browser> {
    const answer = await request(this.app).get(`/login?token=${loginToken}`).set('host', host);
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
    const browser = new Browser(this.app, host, cookie, '');
    const session = await browser.get('/api/session');
    return new Browser(this.app, host, cookie, session.body.csrf);
  }

  /** A browser that has not. */
  stranger(host = localHost): Browser {
    return new Browser(this.app, host, '', '');
  }

  /** The commands that were given, in the order in which the runner takes them. */
  async commands(): Promise<Command[]> {
    const names = (await readdir(join(this.folder, 'spool'))).filter((name) => !isTemporary(name)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(this.folder, 'spool', name), 'utf8')));
    return texts.map((text) => Command.parse(JSON.parse(text)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** Sends what our own page would send; a test takes from that what it is about. */
export class Browser {
  readonly app: Express;
  readonly host: string;
  readonly cookie: string;
  readonly csrf: string;

  constructor(app: Express, host: string, cookie: string, csrf: string) {
    this.app = app;
    this.host = host;
    this.cookie = cookie;
    this.csrf = csrf;
  }

  get(path: string): request.Test {
    return request(this.app).get(path).redirects(0).set({ host: this.host, cookie: this.cookie });
  }

  send(method: 'post' | 'delete', path: string): request.Test {
    const origin = `${this.host === tailnetHost ? 'https' : 'http'}://${this.host}`;
    return request(this.app)[method](path).redirects(0).set({
      host: this.host,
      cookie: this.cookie,
      origin,
      'sec-fetch-site': 'same-origin',
      'x-countersign-csrf': this.csrf,
    });
  }

  command(body: object, key?: string): request.Test {
    const test = this.send('post', '/api/commands').send(body);
    return key === undefined ? test : test.set('idempotency-key', key);
  }
}

/** Every answer of a test is one of the contract's: what is not fails as if the server had. */
function checked(route: Route): Route {
  return {
    ...route,
    send: async (asked, response) => {
      const json = response.json.bind(response);
      response.json = (value) => json(route.answer === null ? value : route.answer.parse(value));
      try {
        await route.send(asked, response);
      } finally {
        response.json = json;
      }
    },
  };
}

async function openText(
  files: Readonly<Record<string, string | Buffer>>,
  { name, start = 0, bytes }: Parameters<Queries['artifact']>[0],
): Promise<OpenedArtifact> {
  const text = files[String(name)];
  if (text === undefined) throw new QueryError('not_found', 'There is no such file.');
  const whole = Buffer.from(text);
  const from = Math.min(Number(start) < 0 ? Math.max(0, whole.length + Number(start)) : Number(start), whole.length);
  const end = Math.min(whole.length, from + Number(bytes ?? pageLimits.fileBytes));
  return {
    name: String(name),
    kind: 'artifact',
    bytes: whole.length,
    modified_at: '2026-01-02T03:04:05.000Z',
    start: from,
    end,
    stream: () => Readable.from([whole.subarray(from, end)]),
    close: async () => undefined,
  };
}
