import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { Result, TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';

const tasksOfRun = 100;
const words =
  'gateway runner sandbox approve digest journal refuse branch merge index table window filter session socket parser limit retry queue budget'.split(
    ' ',
  );

type Said = Pick<EventBody, 'event' | 'phase' | 'agent_role' | 'summary'> & Partial<EventBody>;

/** A house with so many tasks, each with ten events in the journal of its run, and the texts of the first of them. */
export async function writeSyntheticHome(
  volumes: string,
  { tasks, texts }: { readonly tasks: number; readonly texts: number },
): Promise<{ readonly events: number; readonly bytes: number }> {
  let [events, bytes] = [0, 0];
  for (const folder of ['inbox', 'outbox/invalid', 'runs', 'logs'])
    mkdirSync(join(volumes, folder), { recursive: true });
  for (let first = 0; first < tasks; first += tasksOfRun) {
    const run = runOf(first / tasksOfRun);
    mkdirSync(join(volumes, 'runs', run), { recursive: true });
    await using file = await open(join(volumes, 'runs', run, 'telemetry.jsonl'), 'w');
    let prev = '0'.repeat(64);
    let seq = 0;
    const lines: string[] = [];
    for (const body of eventsOfRun(run, first, Math.min(tasksOfRun, tasks - first))) {
      seq += 1;
      const line = JSON.stringify({ ts: at(first, seq), seq, prev, ...body });
      prev = hash('sha256', line);
      lines.push(line);
    }
    const text = `${lines.join('\n')}\n`;
    await file.writeFile(text);
    events += seq;
    bytes += Buffer.byteLength(text);
    for (let task = first; task < Math.min(first + tasksOfRun, texts); task += 1) writeTexts(volumes, run, task);
  }
  return { events, bytes };
}

/** The run of a number, thousand a day. */
function runOf(number: number): string {
  const day = new Date(Date.UTC(2026, 8, 1) + Math.floor(number / 30) * 86_400_000).toISOString().slice(0, 10);
  return `RUN-${day.replaceAll('-', '')}-${String((number % 30) + 1).padStart(3, '0')}`;
}

function at(first: number, seq: number): string {
  const day = Date.UTC(2026, 8, 1) + Math.floor(first / tasksOfRun / 30) * 86_400_000;
  return new Date(day + ((first / tasksOfRun) % 30) * 2_400_000 + seq * 2_000).toISOString();
}

/** Tasks of a run are at work beside each other: their events stand among one another. */
function* eventsOfRun(run: string, first: number, count: number): Generator<Said> {
  yield { event: 'run_created', phase: 'queue', agent_role: 'runner', run_id: run, summary: 'run of workspace demo' };
  const lives = Array.from({ length: count }, (_, index) => life(run, first + index, at(first, index)));
  for (;;) {
    let isOver = true;
    for (const events of lives) {
      const { value, done } = events.next();
      if (done === true) continue;
      isOver = false;
      yield value;
    }
    if (isOver) return;
  }
}

function* life(run: string, number: number, since: string): Generator<Said> {
  const id = `t${number.toString(36).padStart(5, '0')}`;
  const title = `${word(number)} the ${word(number * 7 + 3)} of ${word(number * 13 + 5)} number ${number}`;
  const record = (state: TaskState, attempts: number): TaskRecord =>
    makeRecord(state, {
      id,
      run,
      title,
      workspace: `project-${number % 12}`,
      accepted_at: since,
      attempts,
      stage: 'dev',
    });
  const says = (said: Said, state: TaskState, attempts = 1): Said => ({
    run_id: run,
    task_id: id,
    ...(attempts > 0 ? { attempt: attempts } : {}),
    status: state.status,
    ...said,
    data: { record: record(state, attempts) as never },
  });
  const result = resultOf(run, id, number);
  const unverified = { status: 'unverified' as const };
  const runner = { agent_role: 'runner', summary: 'waits for its turn behind others' } as const;
  const tokens = { prompt: 1_000 + (number % 977), completion: 300 + (number % 89), requests: 7 };
  const waits = { kind: 'slot' as const, since, on: [] };
  const completion = { duration_ms: 10_000 + (number % 5_000), tokens, exit_code: 0, tool: 'agent' };
  yield says(
    { event: 'task_accepted', phase: 'queue', ...runner },
    { status: 'queued', since, reason: '', wait: null },
    0,
  );
  yield says(
    { event: 'task_waiting', phase: 'queue', ...runner },
    { status: 'queued', since, reason: 'slot', wait: waits },
    0,
  );
  yield says(
    { event: 'task_started', phase: 'run', ...runner },
    { status: 'running', wait: null, since, reason: '', attempt: 1, slot: null, approval: null, question: null },
  );
  yield {
    event: 'result_imported',
    phase: 'import',
    ...runner,
    run_id: run,
    task_id: id,
    data: { digest: result.digest },
  };
  yield says(
    { event: 'verification_started', phase: 'verify', ...runner, ...completion },
    { status: 'verifying', since, reason: '', wait: null, attempt: 1, result },
  );
  yield { event: 'verification_ended', phase: 'verify', ...runner, run_id: run, task_id: id, attempt: 1 };
  yield says(
    { event: 'review_requested', phase: 'review', ...runner },
    { status: 'review', since, reason: 'waits for review', wait: null, result, refusals: [] },
  );
  if (number % 97 === 0) return;
  const approval = {
    command: null,
    digest: result.digest,
    channel: 'shell' as const,
    user: 'ada',
    evidence: '',
    decided_at: since,
    unverified: true,
  };
  yield says(
    { event: 'merge_started', phase: 'merge', ...runner },
    { status: 'merging', since, reason: '', wait: null, result, approval },
  );
  yield { event: 'checkpoint_required', phase: 'merge', ...runner, run_id: run, task_id: id };
  yield number % 5 === 0
    ? says(
        { event: 'task_ended', phase: 'run', ...runner, error_class: 'tool_failed' },
        { status: 'failed', since, reason: 'it failed', error_class: 'tool_failed', result },
      )
    : says(
        { event: 'merge_ended', phase: 'merge', ...runner },
        { status: 'done', since, reason: 'merged', result, merged: approval, verification: unverified },
      );
}

function resultOf(run: string, id: string, number: number): Result {
  return {
    repositories: [
      {
        name: 'demo',
        branch: 'main',
        base_head: 'b'.repeat(40),
        head: 'c'.repeat(40),
        ref: `refs/agentic/${run}/${id}`,
        files: 1 + (number % 9),
        insertions: number % 300,
        deletions: number % 100,
        flags: number % 10 === 0 ? ['lockfile'] : [],
      },
    ],
    attempt: 1,
    digest: 'd'.repeat(64),
    verification: { status: 'unverified' },
  };
}

function writeTexts(volumes: string, run: string, number: number): void {
  const folder = join(volumes, 'runs', run, 'tasks', `t${number.toString(36).padStart(5, '0')}`);
  mkdirSync(join(folder, 'attempts/1'), { recursive: true });
  const text = (seed: number, count: number) =>
    Array.from({ length: count }, (_, index) => `${word(seed + index * index)} ${word(seed * 3 + index)}`).join(' ');
  writeFileSync(join(folder, 'task.md'), `workspace: demo\n\n${text(number, 20)} needle${number % 1_000}\n`);
  writeFileSync(join(folder, 'attempts/1/plan.md'), `# Plan\n\n${text(number + 11, 60)}\n`);
  writeFileSync(join(folder, 'attempts/1/handoff.yaml'), `what: ${text(number + 5, 20)}\n`);
}

function word(number: number): string {
  return words[Math.abs(number) % words.length] ?? '';
}
