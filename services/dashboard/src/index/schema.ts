/** Another number than the one in the file, and it is made anew. */
export const schemaVersion = 4;

const sums = `tasks INTEGER NOT NULL, attempts INTEGER NOT NULL, duration_ms INTEGER NOT NULL, prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL, requests INTEGER NOT NULL, last_at TEXT NOT NULL`;

const words = `tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'`;

/**
 * A task's `number` is made from when it was accepted, so that its order is that of the lists; texts of the search are numbered
 * `4 * number + kind`, and what names a task stands apart as well, for it is looked at first. `groups` and `totals` sum up the tasks,
 * and are kept by the triggers alone.
 */
export const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE journals (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, offset INTEGER NOT NULL, line_start INTEGER NOT NULL, head TEXT NOT NULL,
  bad_lines INTEGER NOT NULL);
CREATE TABLE tasks (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, journal INTEGER NOT NULL, run TEXT NOT NULL, workspace TEXT NOT NULL,
  tool TEXT NOT NULL, model TEXT NOT NULL, file TEXT NOT NULL, status TEXT NOT NULL, status_at TEXT NOT NULL,
  error_class TEXT NOT NULL, attempts INTEGER NOT NULL, duration_ms INTEGER NOT NULL, prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL, requests INTEGER NOT NULL, ended_day TEXT, position INTEGER NOT NULL, unread INTEGER NOT NULL);
CREATE TABLE records (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE runs (
  id TEXT PRIMARY KEY, day TEXT NOT NULL, number INTEGER NOT NULL, journal INTEGER NOT NULL, workspace TEXT NOT NULL,
  created_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
  task INTEGER NOT NULL, seq INTEGER NOT NULL, ts TEXT NOT NULL, event TEXT NOT NULL, phase TEXT NOT NULL, agent_role TEXT NOT NULL,
  attempt INTEGER, status TEXT, summary TEXT NOT NULL, duration_ms INTEGER, error_class TEXT, tokens TEXT,
  PRIMARY KEY (task, seq)) WITHOUT ROWID;
CREATE TABLE attempts (
  task INTEGER NOT NULL, attempt INTEGER NOT NULL, started_at TEXT, ended_at TEXT, day TEXT, outcome TEXT, error_class TEXT,
  duration_ms INTEGER, prompt INTEGER, completion INTEGER, requests INTEGER, model TEXT NOT NULL,
  PRIMARY KEY (task, attempt)) WITHOUT ROWID;
CREATE TABLE gate_waits (
  task INTEGER NOT NULL, seq INTEGER NOT NULL, day TEXT NOT NULL, wait_ms INTEGER NOT NULL, PRIMARY KEY (task, seq)) WITHOUT ROWID;
CREATE TABLE verdicts (
  command TEXT PRIMARY KEY, journal INTEGER NOT NULL, accepted INTEGER NOT NULL, summary TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5(text, ${words});
CREATE VIRTUAL TABLE names USING fts5(text, ${words}, content = '', contentless_delete = 1);
CREATE TABLE groups (
  run TEXT NOT NULL, workspace TEXT NOT NULL, tool TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL,
  error_class TEXT NOT NULL, ${sums}, PRIMARY KEY (run, workspace, tool, model, status, error_class)) WITHOUT ROWID;
CREATE TABLE totals (
  workspace TEXT NOT NULL, tool TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, error_class TEXT NOT NULL, ${sums},
  PRIMARY KEY (workspace, tool, model, status, error_class)) WITHOUT ROWID;
`;

/** What the questions need, made at once when all journals have been read: so it takes half the time. */
export const completion = `
CREATE INDEX tasks_status ON tasks (status);
CREATE INDEX tasks_workspace ON tasks (workspace, status);
CREATE INDEX tasks_run ON tasks (run);
CREATE INDEX tasks_tool ON tasks (tool, status);
CREATE INDEX tasks_position ON tasks (position);
CREATE INDEX tasks_ended ON tasks (ended_day, status) WHERE ended_day IS NOT NULL;
CREATE INDEX tasks_ended_at ON tasks (status_at) WHERE ended_day IS NOT NULL;
CREATE INDEX tasks_unread ON tasks (number) WHERE unread = 1;
CREATE INDEX runs_order ON runs (day, number);
CREATE INDEX attempts_day ON attempts (day, model, duration_ms, prompt, completion) WHERE day IS NOT NULL;
CREATE INDEX gate_waits_day ON gate_waits (day, wait_ms);
${summing('groups', 'run, workspace, tool, model, status, error_class')}
${summing('totals', 'workspace, tool, model, status, error_class')}
CREATE TRIGGER tasks_insert AFTER INSERT ON tasks BEGIN ${addition()} END;
CREATE TRIGGER tasks_delete AFTER DELETE ON tasks BEGIN ${subtraction()} END;
CREATE TRIGGER tasks_update AFTER UPDATE OF
  run, workspace, tool, model, status, status_at, error_class, attempts, duration_ms, prompt, completion, requests ON tasks
BEGIN ${subtraction()} ${addition()} END;
`;

function summing(table: string, columns: string): string {
  return `INSERT INTO ${table} SELECT ${columns}, count(*), sum(attempts), sum(duration_ms), sum(prompt), sum(completion),
    sum(requests), max(status_at) FROM tasks GROUP BY ${columns};`;
}

function addition(): string {
  const add = (table: string, run: string) => `INSERT INTO ${table} VALUES (
    ${run} NEW.workspace, NEW.tool, NEW.model, NEW.status, NEW.error_class, 1, NEW.attempts, NEW.duration_ms, NEW.prompt,
    NEW.completion, NEW.requests, NEW.status_at)
  ON CONFLICT DO UPDATE SET tasks = tasks + 1, attempts = attempts + NEW.attempts, duration_ms = duration_ms + NEW.duration_ms,
    prompt = prompt + NEW.prompt, completion = completion + NEW.completion, requests = requests + NEW.requests,
    last_at = max(last_at, NEW.status_at);`;
  return `${add('groups', 'NEW.run,')} ${add('totals', '')}`;
}

function subtraction(): string {
  const subtract = (table: string, run: string) => `UPDATE ${table} SET
    tasks = tasks - 1, attempts = attempts - OLD.attempts, duration_ms = duration_ms - OLD.duration_ms,
    prompt = prompt - OLD.prompt, completion = completion - OLD.completion, requests = requests - OLD.requests
  WHERE ${run} workspace = OLD.workspace AND tool = OLD.tool AND model = OLD.model AND status = OLD.status
    AND error_class = OLD.error_class;`;
  return `${subtract('groups', 'run = OLD.run AND')} ${subtract('totals', '')}`;
}
