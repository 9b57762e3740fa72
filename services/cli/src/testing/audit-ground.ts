import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { JournalHead } from '@countersign/contracts/journal-head.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { folderOf } from '@countersign/contracts/task-state.ts';
import { ChainFile } from '@countersign/kit/chain-file.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { makeReviewTask, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { onTestFinished } from 'vitest';

const since = '2026-11-20T10:00:00.000Z';
const lateRun = 'RUN-20261121-001';

/** A home as a runner leaves it: two runs, tasks in four states, `heads.jsonl` up to date. */
export class AuditGround {
  readonly home = mkdtempSync(join(tmpdir(), 'countersign-audit-'));

  static async make(): Promise<AuditGround> {
    const ground = new AuditGround();
    onTestFinished(() => rmSync(ground.home, { recursive: true }));
    for (const folder of new Set(Object.values(folderOf))) mkdirSync(ground.path(folder), { recursive: true });
    mkdirSync(ground.path('runs'));
    await ground.#write();
    return ground;
  }

  path(name: string): string {
    return join(this.home, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }

  lines(name: string): string[] {
    return this.read(name).toString('utf8').trimEnd().split('\n');
  }

  changeLines(name: string, change: (lines: string[]) => string[]): void {
    this.write(name, `${change(this.lines(name)).join('\n')}\n`);
  }

  async #write(): Promise<void> {
    const waiting = makeWaitingTask('the plan', { id: 'waits' });
    await writeWaitingTask(this.home, waiting);
    const review = makeReviewTask({ record: { id: 'looks' } });
    await writeReviewTask(this.home, review);
    const queued = makeRecord({ status: 'queued', wait: null, since, reason: '' }, { id: 'turns' });
    const failed = makeRecord(
      { status: 'failed', since, reason: 'no', error_class: 'tool_failed', result: null },
      { id: 'ended', run: lateRun },
    );
    await this.#run([waiting.record, review.record, queued], { waits: waiting.view.digest });
    await this.#run([failed], {});
    await using heads = await this.#open();
    const service = await Journal.open(this.path('runs/telemetry.jsonl'));
    const { seq, head } = heads.file.end;
    await service.append({
      phase: 'service',
      agent_role: 'runner',
      event: 'runner_started',
      summary: '',
      data: { heads: { seq, head } },
    });
    for (let number = 1; number <= 3; number += 1)
      await service.append({ phase: 'service', agent_role: 'runner', event: 'message', summary: `${number} ü` });
    await heads.tell('service', service);
    await service.close();
  }

  async #run(records: readonly TaskRecord[], asked: Readonly<Record<string, string>>): Promise<void> {
    const run = records[0]?.run ?? '';
    mkdirSync(this.path(`runs/${run}`), { recursive: true });
    this.write(`runs/${run}/run.yaml`, 'version: 2\n');
    const journal = await Journal.open(this.path(`runs/${run}/telemetry.jsonl`));
    await journal.append({ run_id: run, phase: 'queue', agent_role: 'runner', event: 'run_created', summary: '' });
    for (const record of records) {
      mkdirSync(dirname(this.path(`${taskFolder(record)}/x`)), { recursive: true });
      this.write(`${taskFolder(record)}/task.json`, JSON.stringify(record, null, 2));
      this.write(`${folderOf[record.state.status]}/${record.file}`, 'a task');
      const digest = asked[record.id];
      await journal.append({
        run_id: run,
        task_id: record.id,
        phase: 'queue',
        agent_role: 'runner',
        event: digest === undefined ? 'task_accepted' : 'approval_requested',
        summary: '',
        data: { record, ...(digest === undefined ? {} : { digest }) },
      });
    }
    await using heads = await this.#open();
    await heads.tell(run, journal);
    await journal.close();
  }

  async #open() {
    const file = await ChainFile.open<Pick<JournalHead, 'journal' | 'events' | 'head'>, JournalHead>(
      this.path('runs/heads.jsonl'),
      JournalHead,
    );
    return {
      file,
      tell: (journal: string, { end }: Journal) => file.append({ journal, events: end.seq, head: end.head }),
      [Symbol.asyncDispose]: () => file.close(),
    };
  }
}
