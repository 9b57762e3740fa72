import type { Now, ServiceRow, StreamBatch, TaskRow } from '@countersign/contracts/page-api.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { computed, effect, signal } from '@preact/signals';
import { get } from '../api/client.ts';
import { knownAsOf, onBatch, onRenewal } from '../api/stream.ts';
import { clock } from './clock.ts';
import { takeOutput } from './output.ts';
import { type ShownQuestion, shownQuestions } from './questions.ts';
import { type Rows, rowsOf, withFiles, withRows } from './rows.ts';

/** What the first page shows and every page's frame counts: kept by the stream, whatever page is open. */
export const rows = signal<Rows>(new Map());
export const queue = signal<QueueState | null>(null);
export const troubles = signal<readonly ServiceRow[]>([]);
/** Whether the first answer is there. */
export const loaded = signal(false);

export const running = computed(() => rowsOf(rows.value, 'running'));
export const attention = computed(() => rowsOf(rows.value, 'attention'));
export const waiting = computed(() => rowsOf(rows.value, 'waiting'));
/** What tools ask, oldest first; what came to its end stays for a moment. */
export const questions = signal<readonly ShownQuestion[]>([]);
export const ended = computed(() => rowsOf(rows.value, 'ended'));
/** Why the runner decides nothing now; null when it does. */
export const runnerTrouble = computed(
  () => troubles.value.find(({ name, status }) => name === 'runner' && status !== 'waiting') ?? null,
);

/** For each time that everything is asked for: what was told meanwhile. */
const asking = new Set<StreamBatch[]>();

/** Follows the stream from now on. Resolves when everything was asked for once. */
export async function startStore(): Promise<void> {
  onBatch((batch) => {
    for (const told of asking) told.push(batch);
    show(batch);
    takeOutput(batch.output);
  });
  onRenewal(() => void renew(true));
  effect(() => {
    questions.value = shownQuestions(questions.peek(), rows.value, clock.value);
  });
  await renew(false);
}

function show(batch: StreamBatch): void {
  rows.value = withRows(batch.files === undefined ? rows.value : withFiles(rows.value, batch.files), batch.tasks);
  if (batch.queue !== undefined) queue.value = batch.queue;
  if (batch.troubles !== undefined) troubles.value = batch.troubles;
}

/** Everything anew: what is no more, or ended while nobody told, goes. What was told since the answer was made stays. */
async function renew(byItself: boolean): Promise<void> {
  const told: StreamBatch[] = [];
  asking.add(told);
  try {
    const now = await get<Now>('/api/now', { byItself });
    const all: TaskRow[] = [...now.running, ...now.attention, ...now.waiting, ...now.ended];
    rows.value = withRows(new Map(), all);
    queue.value = now.queue;
    troubles.value = now.troubles;
    for (const batch of told) show(batch);
    knownAsOf(now.position);
    loaded.value = true;
  } catch {
    // The frame says that the server is away, or that nobody is signed in.
  } finally {
    asking.delete(told);
  }
}
