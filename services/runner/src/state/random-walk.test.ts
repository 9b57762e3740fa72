import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { folderOf, isFinal, queueFolders, type TaskStatus, transitions } from '@countersign/contracts/task-state.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import { expect, test } from 'vitest';
import { generator, randomRounds } from '../testing/random.ts';
import { makeRecord, states } from '../testing/record.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Layout } from './layout.ts';
import { RunStore } from './run-store.ts';
import { type EventDetail, TaskStore } from './task-store.ts';

const detail: EventDetail = { event: 'task_waiting', phase: 'queue', agent_role: 'runner', summary: 'because' };
const names = ['x.md', 'y.md', 'a "b"\n.md'];
const steps = 40;

const { rounds, firstSeed } = randomRounds(12, 500);

test(`F20 ${rounds} random walks through the transition table, with deaths between, from seed ${firstSeed}`, async () => {
  const seen = new Set<string>();
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) await walk(seed, seen);
  // Most of the table, in any few rounds; a walk that went nowhere would prove nothing.
  expect(seen.size).toBeGreaterThan(25);
}, 3_600_000);

async function walk(seed: number, seen: Set<string>): Promise<void> {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const layout = new Layout(scratchFolder());
  for (const folder of [...queueFolders.map((name) => layout.queue(name)), layout.runs])
    mkdirSync(folder, { recursive: true });
  let runs = await RunStore.open(layout);
  let { store } = await TaskStore.recover(layout, runs);
  const now = new Date('2026-11-20T10:00:00.000Z');
  const run = await runs.ofTheDay('project', now);
  const texts = new Map<string, string>();
  const told: string[] = [];
  let count = 0;

  const accept = async () => {
    const file = pick(names);
    if (existsSync(join(layout.queue('inbox'), file))) return;
    count += 1;
    const id = `t${count}`;
    const text = `workspace: project\n\ntask ${count} of seed ${seed}\n`;
    const record = makeRecord({ id, run, file, dropped_as: file, task_file: sha256(text) });
    mkdirSync(layout.task(run, id), { recursive: true });
    writeFileSync(join(layout.task(run, id), 'task.md'), text);
    writeFileSync(layout.fileOf(record), text);
    await store.create(record, detail);
    texts.set(id, text);
    told.push(`${id} accepted as ${file}`);
  };
  /** Several changes at once, of which those of one task come one after the other. */
  const change = async () => {
    const chosen = [...store.all()].filter(() => random() < 0.4);
    await Promise.all(
      chosen.map(async ({ id, state }) => {
        const following: readonly TaskStatus[] = transitions[state.status];
        if (following.length === 0) return;
        const to = pick(following);
        told.push(`${id} ${state.status} to ${to}`);
        seen.add(`${state.status} ${to}`);
        await store.transition(id, states[to], detail);
        const then = random();
        if (then < 0.3) await store.update(id, { title: `changed ${count}` }, detail);
        else if (then < 0.5)
          await store.wait(id, { kind: 'slot', on: [], since: now.toISOString() }, `reason ${count}`);
      }),
    );
  };
  const die = async () => {
    const records = [...store.all()];
    await runs[Symbol.asyncDispose]();
    told.push('death');
    // Any step after the event may be one that did not come to be, of any task's last change.
    for (const record of records) undo(record);
    runs = await RunStore.open(layout);
    const recovered = await TaskStore.recover(layout, runs);
    store = recovered.store;
    const again = await TaskStore.recover(layout, runs);
    expect(again.findings, story()).toEqual([]);
    expect([...again.store.all()], story()).toEqual([...store.all()]);
    expect([...store.all()], story()).toEqual(records);
  };
  const undo = (record: TaskRecord) => {
    const stored = join(layout.home, taskFolder(record), 'task.json');
    const path = layout.fileOf(record);
    const dice = random();
    if (dice < 0.4) return;
    if (dice < 0.5) writeFileSync(stored, '');
    else if (dice < 0.6) rmSync(stored);
    else if (isFinal(record.state.status)) return;
    else if (dice < 0.7 && existsSync(path)) writeFileSync(path, '');
    else if (dice < 0.85) {
      const before = lastPlace(record);
      if (before === null || existsSync(before) || !existsSync(path)) return;
      writeFileSync(stored, '{');
      renameSync(path, before);
      told.push(`${record.id} back at ${before}`);
    }
  };
  const lastPlace = (record: TaskRecord): string | null => {
    const events = parseJournal('', readFileSync(layout.runJournal(run)));
    const places = events
      .map(({ data }) => data?.['record'] as TaskRecord | undefined)
      .filter((one) => one?.id === record.id)
      .map((one) => (one === undefined ? '' : layout.fileOf(one)));
    const before = places.at(-2);
    return before === undefined || before === places.at(-1) ? null : before;
  };
  const story = () => `seed ${seed}: ${told.join('; ')}`;

  for (let step = 0; step < steps; step += 1) {
    const dice = random();
    if (count === 0 || dice < 0.25) await accept();
    else if (dice < 0.8) await change();
    else await die();
    expectWhole();
  }
  await die();
  expectWhole();
  await runs[Symbol.asyncDispose]();

  function expectWhole(): void {
    const lying = new Map<string, string>();
    for (const folder of queueFolders)
      for (const entry of readdirSync(layout.queue(folder), { withFileTypes: true }))
        if (entry.isFile()) lying.set(join(layout.queue(folder), entry.name), folder);
    // Every accepted task is there, in exactly one folder, with its bytes, and no file is nobody's.
    expect([...store.all()].map(({ id }) => id).sort(), story()).toEqual([...texts.keys()].sort());
    for (const record of store.all()) {
      const path = layout.fileOf(record);
      expect(lying.get(path), `${story()}; ${record.id} is ${record.state.status}`).toBe(folderOf[record.state.status]);
      expect(readFileSync(path, 'utf8'), story()).toBe(texts.get(record.id));
      lying.delete(path);
      const stored = join(layout.home, taskFolder(record), 'task.json');
      expect(JSON.parse(readFileSync(stored, 'utf8')), story()).toEqual(record);
    }
    expect([...lying.keys()], story()).toEqual([]);
    const events = parseJournal('', readFileSync(layout.runJournal(run)));
    const last = new Map(
      events.flatMap(({ data }) =>
        data?.['record'] === undefined ? [] : [[(data['record'] as TaskRecord).id, data['record']]],
      ),
    );
    for (const record of store.all()) expect(last.get(record.id), story()).toEqual(record);
  }
}
