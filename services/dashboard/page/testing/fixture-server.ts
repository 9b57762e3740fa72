import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  AnswerRequest,
  CommandAnswer,
  CommandRequest,
  type Decision,
  Problem,
  StreamBatch,
  type TaskRow,
} from '@countersign/contracts/page-api.ts';
import { answer } from './fixture-answers.ts';
import { digestOf } from './fixture-diff.ts';
import { type House, houseOf } from './fixture-house.ts';
import { detailOf, lively } from './fixture-tasks.ts';

/** What the real server sends with every answer. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types countersign',
].join('; ');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};
const dist = new URL('../dist/', import.meta.url);

/** A server of the built page on 127.0.0.1 with canned answers, for development and browser tests. */
export class FixtureServer {
  readonly house: House;
  /** The commands that came in, once for each key. */
  readonly commands = new Map<string, Decision>();
  signedIn = true;
  /** How long a command stays without a verdict; null for ever. */
  verdictMs: number | null = 200;
  /** Whether what comes in is taken, and the connection lost before it is answered. */
  losesAnswers = false;
  /** Of every answer, before it is sent. */
  transform: (path: string, answer: unknown) => unknown = (_path, answer) => answer;
  /** What each key was answered. */
  readonly #given = new Map<string, CommandAnswer>();
  #server: Server | null = null;
  #port = 0;
  readonly #streams = new Set<ServerResponse>();
  readonly #told: { readonly position: number; readonly event: string }[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(tasks: readonly TaskRow[] = lively()) {
    this.house = houseOf(tasks);
  }

  /** How many pages hear of a change now. */
  get streams(): number {
    return this.#streams.size;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The second time on the same port as before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#streams.clear();
    await closed;
    this.#server = null;
  }

  /** Tells every open page of a change. */
  emit(batch: Partial<StreamBatch>): void {
    for (const task of batch.tasks ?? []) this.house.tasks.set(task.task ?? task.file, task);
    this.house.position += 1;
    const data = JSON.stringify(StreamBatch.parse({ tasks: [], output: [], log: [], ...batch }));
    const event = `id: ${this.house.position}\ndata: ${data}\n\n`;
    this.#told.push({ position: this.house.position, event });
    for (const stream of this.#streams) stream.write(event);
  }

  /** A task's facts are other ones from now on; nobody is told. */
  changeFacts(task: string): void {
    this.house.versions.set(task, (this.house.versions.get(task) ?? 1) + 1);
  }

  /** A task's tool is told something, by whoever. */
  answer(task: TaskRow, text: string, user = 'operator', channel: 'dashboard' | 'matrix' = 'dashboard'): void {
    if (task.question === null) return;
    const at = new Date().toISOString();
    const answer = { outcome: 'answered' as const, text, channel, user, command: 'c0mmand-0123456789ab', at };
    const question = { ...task.question, answer };
    this.emit({ tasks: [{ ...task, question, wait: null, reason: '', actions: ['cancel'] }] });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    if (!pathname.startsWith('/api/')) return serveFile(pathname, response);
    if (!this.signedIn) return problem(response, 401, { error: 'no_session', message: 'You are not signed in.' });
    if (pathname === '/api/stream') return this.#openStream(searchParams.get('after'), response);
    if (request.method === 'DELETE') {
      if (pathname === '/api/session') this.signedIn = false;
      return json(response, 200, {});
    }
    if (request.method === 'POST') return this.#take(pathname, request, response);
    const found = answer(this.house, pathname, searchParams);
    if (found === null) return problem(response, 404, { error: 'not_found', message: 'There is no such task.' });
    json(response, 200, this.transform(pathname, found));
  }

  #openStream(after: string | null, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': open\n\n');
    const last = after === null ? this.house.position : Number(after);
    for (const { position, event } of this.#told) if (position > last) response.write(event);
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  async #take(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers['x-countersign-csrf'] !== 'csrf')
      return problem(response, 403, { error: 'csrf', message: 'The request did not come from this page.' });
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const command = decisionOf(path, JSON.parse(Buffer.concat(pieces).toString('utf8')));
    const task = 'task' in command ? this.house.tasks.get(command.task) : undefined;
    const version = 'task' in command ? (this.house.versions.get(command.task) ?? 1) : 1;
    if (command.kind === 'approve' && command.digest !== digestOf(`${command.task} ${version}`) && task?.task)
      return problem(response, 409, {
        error: 'stale',
        message: 'The facts of this task are other ones than the page showed.',
        task: detailOf({ ...task, task: task.task }, version),
      });
    if (command.kind === 'answer' && task?.task && !asks(task, command.question))
      return problem(response, 409, {
        error: 'stale',
        message: 'The question has come to its end.',
        task: detailOf({ ...task, task: task.task }, version),
      });
    const key = String(request.headers['idempotency-key']);
    const given = this.#given.get(key) ?? this.#judge(command, task);
    this.#given.set(key, given);
    this.commands.set(key, command);
    if (this.losesAnswers) return void response.destroy();
    json(response, 202, given);
  }

  #judge(command: Decision, task: TaskRow | undefined): CommandAnswer {
    const id = randomUUID();
    const waiting = CommandAnswer.parse({ id, verdict: 'waiting', message: 'It is in the spool.' });
    this.house.verdicts.set(id, waiting);
    if (this.verdictMs !== null) setTimeout(() => this.#decide(id, command, task), this.verdictMs);
    return waiting;
  }

  #decide(id: string, command: Decision, task: TaskRow | undefined): void {
    this.house.verdicts.set(id, { id, verdict: 'accepted', message: `${command.kind}: accepted` });
    const statuses: Partial<Record<Decision['kind'], TaskRow['status']>> = {
      approve: 'approved',
      reject: 'rejected',
      merge: 'merging',
      cancel: 'cancelled',
      retry: 'queued',
    };
    const status = statuses[command.kind];
    if (task !== undefined && command.kind === 'answer') this.answer(task, command.answer);
    if (task !== undefined && status !== undefined)
      this.emit({ tasks: [{ ...task, status, since: new Date().toISOString(), wait: null, actions: [] }] });
  }
}

function decisionOf(path: string, body: unknown): Decision {
  const [, task] = /^\/api\/tasks\/([^/]+)\/answer$/.exec(path) ?? [];
  if (task === undefined) return CommandRequest.parse(body);
  return { kind: 'answer', task: decodeURIComponent(task), ...AnswerRequest.parse(body) };
}

function asks({ question, actions }: TaskRow, id: string): boolean {
  return question?.id === id && actions.includes('answer');
}

async function serveFile(path: string, response: ServerResponse): Promise<void> {
  const name = extname(path) === '' ? 'index.html' : path.slice(1);
  if (!/^[\w./-]+$/.test(name) || name.includes('..'))
    return problem(response, 404, { error: 'not_found', message: '' });
  try {
    const content = await readFile(new URL(name, dist));
    const type = types[extname(name)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' });
    response.end(gzipSync(content));
  } catch {
    problem(response, 404, { error: 'not_found', message: 'There is no such file.' });
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, value: Problem): void {
  json(response, status, Problem.parse(value));
}
