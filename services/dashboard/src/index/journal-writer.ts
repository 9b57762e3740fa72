import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, type TaskStatus } from '@countersign/contracts/task-state.ts';
import { type AttemptRow, followAttempt, loadAttempt, saveAttempt } from './attempt-row.ts';
import type { Database } from './database.ts';
import { acceptedAtOf, carriesRecord, type Head, headOf, recordOf, verdictOf } from './journal-line.ts';
import type { JournalPlace } from './journal-piece.ts';
import { indexLimits } from './limits.ts';
import { removeTexts, textKinds } from './texts.ts';

/** A journal as the index knows it. `name` is relative to `runs/`. */
export type KnownJournal = { readonly id: number; readonly name: string; readonly place: JournalPlace };

/** Where a task stands while its journal is read. */
type Standing = {
  readonly number: number;
  status: TaskStatus;
  statusAt: string;
  model: string;
  durationMs: number;
  prompt: number;
  completion: number;
  requests: number;
  attempt: AttemptRow | null;
  /** The last line of this piece that carries its record; null where nothing of it is new. */
  line: Buffer | null;
  /** Of a task that is not in the index yet, what it was accepted as. */
  first: Buffer | null;
  /** Whether what can be searched may be another one. */
  isUnread: boolean;
};

/** Puts what journals say into the index, a piece at a time, each in one transaction together with how far it reaches. */
export class JournalWriter {
  readonly #database: Database;
  readonly #tasks = new Map<string, Standing>();
  /** Those of which this piece says something. */
  readonly #changed = new Map<string, Standing>();
  /** Numbers that were given to tasks which are not in the index yet. */
  readonly #fresh = new Set<number>();

  constructor(database: Database) {
    this.#database = database;
  }

  known(): KnownJournal[] {
    return this.#database.all('SELECT id, name, offset, line_start, head FROM journals').map((row) => ({
      id: row['id'] as number,
      name: row['name'] as string,
      place: {
        offset: row['offset'] as number,
        lineStart: row['line_start'] as number,
        head: row['head'] as string,
      },
    }));
  }

  add(name: string, place: JournalPlace): KnownJournal {
    const { offset, lineStart, head } = place;
    this.#database.run(
      'INSERT INTO journals (name, offset, line_start, head, bad_lines) VALUES (?, ?, ?, ?, 0)',
      name,
      offset,
      lineStart,
      head,
    );
    return { id: this.#database.get('SELECT last_insert_rowid() AS id')?.['id'] as number, name, place };
  }

  /** Everything that a journal said is taken out again: it is another one now, or gone. */
  forget({ id }: KnownJournal): void {
    const database = this.#database;
    database.transaction(() => {
      const ofJournal = 'SELECT number FROM tasks WHERE journal = ?';
      for (const kind of textKinds.keys())
        removeTexts(database, `SELECT 4 * number + ${kind} FROM tasks WHERE journal = ?`, id);
      for (const table of ['events', 'attempts', 'gate_waits'])
        database.run(`DELETE FROM ${table} WHERE task IN (${ofJournal})`, id);
      database.run(`DELETE FROM records WHERE number IN (${ofJournal})`, id);
      for (const table of ['tasks', 'runs', 'verdicts']) database.run(`DELETE FROM ${table} WHERE journal = ?`, id);
      database.run('DELETE FROM journals WHERE id = ?', id);
      // Streams are told to ask anew: they cannot be told of what is not there any more.
      const position = database.number('position') + 1;
      database.set('position', position);
      database.set('base', position);
    });
    this.#tasks.clear();
  }

  /** @returns the ids of tasks that changed */
  write(journal: KnownJournal, lines: readonly Buffer[], place: JournalPlace): string[] {
    if (this.#tasks.size > indexLimits.tasksInMemory) this.#tasks.clear();
    try {
      return this.#database.transaction(() => {
        let bad = 0;
        for (const line of lines) if (!this.#take(journal, line)) bad += 1;
        const changed = this.#flush(journal);
        this.#database.run(
          'UPDATE journals SET offset = ?, line_start = ?, head = ?, bad_lines = bad_lines + ? WHERE id = ?',
          place.offset,
          place.lineStart,
          place.head,
          bad,
          journal.id,
        );
        return changed;
      });
    } catch (error) {
      this.#tasks.clear();
      this.#changed.clear();
      this.#fresh.clear();
      throw error;
    }
  }

  /** Whether the line is an event. */
  #take(journal: KnownJournal, line: Buffer): boolean {
    const head = headOf(line);
    if (head === null) return false;
    if (head.event === 'command_accepted' || head.event === 'command_refused') this.#takeVerdict(journal, head, line);
    if (head.task_id === undefined || head.run_id === undefined) return true;
    const hasRecord = carriesRecord(line);
    const task =
      this.#tasks.get(head.task_id) ?? this.#load(head.task_id) ?? this.#create(head.task_id, head, line, hasRecord);
    if (task === null) return !hasRecord;
    this.#takeEvent(task, head, hasRecord, line);
    return true;
  }

  #takeVerdict(journal: KnownJournal, head: Head, line: Buffer): void {
    const verdict = verdictOf(line);
    if (verdict === null) return;
    const accepted = head.event === 'command_accepted' ? 1 : 0;
    this.#database.run(
      'INSERT INTO verdicts VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      verdict.command,
      journal.id,
      accepted,
      verdict.summary,
    );
  }

  #takeEvent(task: Standing, head: Head, hasRecord: boolean, line: Buffer): void {
    const { seq, ts, attempt, summary, duration_ms, error_class, tokens } = head;
    this.#database.run(
      'INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      task.number,
      seq,
      ts,
      head.event,
      head.phase,
      head.agent_role,
      attempt ?? null,
      head.status ?? null,
      summary,
      duration_ms ?? null,
      error_class ?? null,
      tokens === undefined ? null : JSON.stringify(tokens),
    );
    const status = head.status ?? (hasRecord ? recordOf(line)?.state.status : undefined) ?? task.status;
    // Who decides in the room or the shell lets it wait so long.
    if (task.status === 'pending' && (status === 'approved' || status === 'rejected'))
      this.#database.run(
        'INSERT OR REPLACE INTO gate_waits VALUES (?, ?, ?, ?)',
        task.number,
        seq,
        ts.slice(0, 10),
        Math.max(0, Date.parse(ts) - Date.parse(task.statusAt)),
      );
    if (attempt !== undefined) {
      if (task.attempt?.attempt !== attempt) {
        if (task.attempt !== null) saveAttempt(this.#database, task.attempt);
        task.attempt = loadAttempt(this.#database, task.number, attempt, task.model);
      }
      const used = followAttempt(task.attempt, head, task.status, status);
      task.durationMs += used.durationMs;
      task.prompt += used.tokens.prompt;
      task.completion += used.tokens.completion;
      task.requests += used.tokens.requests;
    }
    if (!hasRecord) return;
    task.line = line;
    this.#changed.set(head.task_id ?? '', task);
    if (status !== task.status) {
      task.isUnread = true;
      task.status = status;
      task.statusAt = ts;
    }
  }

  #load(id: string): Standing | null {
    const row = this.#database.get('SELECT * FROM tasks WHERE id = ?', id);
    if (row === undefined) return null;
    const task: Standing = {
      number: row['number'] as number,
      status: row['status'] as TaskStatus,
      statusAt: row['status_at'] as string,
      model: row['model'] as string,
      durationMs: row['duration_ms'] as number,
      prompt: row['prompt'] as number,
      completion: row['completion'] as number,
      requests: row['requests'] as number,
      attempt: null,
      line: null,
      first: null,
      isUnread: false,
    };
    this.#tasks.set(id, task);
    return task;
  }

  /** The record itself is read when all of the piece is known. */
  #create(id: string, head: Head, line: Buffer, hasRecord: boolean): Standing | null {
    const acceptedAt = hasRecord ? acceptedAtOf(line) : null;
    const status = head.status ?? (hasRecord ? recordOf(line)?.state.status : undefined);
    if (acceptedAt === null || status === undefined) return null;
    const task: Standing = {
      number: this.#freeNumber(acceptedAt),
      status,
      statusAt: head.ts,
      model: '',
      durationMs: 0,
      prompt: 0,
      completion: 0,
      requests: 0,
      attempt: null,
      line,
      first: line,
      isUnread: true,
    };
    this.#tasks.set(id, task);
    this.#changed.set(id, task);
    return task;
  }

  /** In the order in which tasks were accepted, 64 of them in one millisecond and more where that is needed. */
  #freeNumber(acceptedAt: string): number {
    let number = Date.parse(acceptedAt) * 64;
    while (this.#fresh.has(number) || this.#database.get('SELECT 1 FROM tasks WHERE number = ?', number) !== undefined)
      number += 1;
    this.#fresh.add(number);
    return number;
  }

  #flush(journal: KnownJournal): string[] {
    if (this.#changed.size === 0) return [];
    const changed: string[] = [];
    const position = this.#database.number('position') + 1;
    this.#database.set('position', position);
    for (const [id, task] of this.#changed) {
      // Where the last is none, what was said before still counts.
      const record = recordOfTask(id, task.line) ?? recordOfTask(id, task.first);
      if (record === null && task.first !== null) this.#tasks.delete(id);
      task.line = null;
      task.first = null;
      if (record === null) continue;
      task.model = modelOf(record);
      if (task.attempt !== null) saveAttempt(this.#database, { ...task.attempt, model: task.model });
      // Attempts that began and ended within one piece: which model they had was not known yet.
      if (record.attempts > 1)
        this.#database.run(`UPDATE attempts SET model = ? WHERE task = ? AND model = ''`, task.model, task.number);
      this.#save(journal, task, record, position);
      task.isUnread = false;
      changed.push(id);
    }
    this.#changed.clear();
    this.#fresh.clear();
    return changed;
  }

  #save(journal: KnownJournal, task: Standing, record: TaskRecord, position: number): void {
    const { state } = record;
    this.#database.run(
      `INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET
        file = excluded.file, tool = excluded.tool, model = excluded.model, status = excluded.status, status_at = excluded.status_at,
        error_class = excluded.error_class, attempts = excluded.attempts, duration_ms = excluded.duration_ms,
        prompt = excluded.prompt, completion = excluded.completion, requests = excluded.requests, ended_day = excluded.ended_day,
        position = excluded.position, unread = max(unread, excluded.unread)`,
      task.number,
      record.id,
      journal.id,
      record.run,
      record.workspace,
      record.tool,
      modelOf(record),
      record.file,
      state.status,
      task.statusAt,
      state.status === 'failed' ? state.error_class : '',
      record.attempts,
      task.durationMs,
      task.prompt,
      task.completion,
      task.requests,
      isFinal(state.status) ? task.statusAt.slice(0, 10) : null,
      position,
      task.isUnread ? 1 : 0,
    );
    this.#database.run(
      'INSERT INTO records VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record',
      task.number,
      JSON.stringify(record),
    );
    const [, day = '', number = '0'] = record.run.split('-');
    this.#database.run(
      'INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      record.run,
      day,
      Number(number),
      journal.id,
      record.workspace,
      record.accepted_at,
    );
  }
}

/** Empty where none was chosen yet. */
function modelOf({ model }: TaskRecord): string {
  return model?.name ?? '';
}

function recordOfTask(id: string, line: Buffer | null): TaskRecord | null {
  const record = line === null ? null : recordOf(line);
  return record?.id === id ? record : null;
}
