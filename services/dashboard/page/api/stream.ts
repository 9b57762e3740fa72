import type { StreamBatch } from '@countersign/contracts/page-api.ts';
import { signal } from '@preact/signals';
import { get, signedOut } from './client.ts';

/** `lost`: there was a stream and there is none now; the page tries again by itself. */
export type Connection = 'connecting' | 'open' | 'lost';
export const connection = signal<Connection>('connecting');

type Listener = (batch: StreamBatch) => void;
const listeners = new Set<Listener>();
const renewals = new Set<() => void>();
const followedTasks = new Map<string, number>();
let followedLog: string | null = null;
let source: EventSource | null = null;
/** What `source` follows. */
let following = '';
let position = '';
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Whether there may be news that no stream told: there was none for a time. */
let isBehind = false;
const followedMost = 12;
const retryMs = { first: 400, longest: 5_000 };

/** Called with each batch, in order. Returns what ends it. */
export function onBatch(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Called when what was known may be out of date: everything is to be asked for anew. */
export function onRenewal(listener: () => void): () => void {
  renewals.add(listener);
  return () => renewals.delete(listener);
}

/** Brings a task's output with the stream until the returned function is called. */
export function followTask(task: string): () => void {
  followedTasks.set(task, (followedTasks.get(task) ?? 0) + 1);
  reopenSoon();
  return () => {
    const left = (followedTasks.get(task) ?? 1) - 1;
    if (left > 0) followedTasks.set(task, left);
    else followedTasks.delete(task);
    reopenSoon();
  };
}

/** Brings a service's new log lines with the stream; null ends that. */
export function followLog(service: string | null): void {
  if (followedLog === service) return;
  followedLog = service;
  reopenSoon();
}

/** What the page knows is as of this position: the first stream tells what came after it, whenever that stream is opened. */
export function knownAsOf(known: string): void {
  if (position === '') position = known;
}

/** Opens the one stream, and keeps it open while somebody looks: of all its tabs together a browser has few connections. */
export function startStream(): void {
  addEventListener('online', () => open());
  addEventListener('offline', () => lose());
  document.addEventListener('visibilitychange', () => open());
  // What is drawn first says by then what it follows: a stream given up before it is answered may keep its connection.
  setTimeout(open, 0);
}

let reopening = false;
function reopenSoon(): void {
  if (reopening || source === null) return;
  reopening = true;
  setTimeout(() => {
    reopening = false;
    if (source !== null && followed().toString() !== following) open();
  }, 0);
}

function followed(): URLSearchParams {
  const query = new URLSearchParams();
  for (const task of [...followedTasks.keys()].slice(0, followedMost)) query.append('task', task);
  if (followedLog !== null) query.set('log', followedLog);
  return query;
}

function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function open(): void {
  close();
  if (document.hidden || signedOut.value) {
    isBehind = true;
    return;
  }
  const query = followed();
  following = query.toString();
  if (position !== '') query.set('after', position);
  const opened = new EventSource(query.size === 0 ? '/api/stream' : `/api/stream?${query}`);
  source = opened;
  opened.onopen = () => {
    failures = 0;
    connection.value = 'open';
    if (!isBehind) return;
    isBehind = false;
    renew();
  };
  opened.onerror = () => lose();
  opened.addEventListener('reset', (event) => {
    keepPosition(event);
    renew();
  });
  opened.onmessage = (event) => {
    keepPosition(event);
    const batch = JSON.parse(event.data) as StreamBatch;
    for (const listener of listeners) listener(batch);
  };
}

function keepPosition(event: MessageEvent): void {
  if (/^\d{1,16}$/.test(event.lastEventId)) position = event.lastEventId;
}

/** EventSource tells nothing of why: the session says whether it was that. */
function lose(): void {
  close();
  failures += 1;
  isBehind = true;
  connection.value = 'lost';
  if (document.hidden) return;
  timer = setTimeout(
    () => void get('/api/session').then(open, () => (signedOut.value ? undefined : lose())),
    Math.min(retryMs.first * 1.6 ** (failures - 1), retryMs.longest),
  );
}

function renew(): void {
  for (const listener of renewals) listener();
}
