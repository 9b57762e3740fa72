import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createRehearsalModel } from './rehearsal-model.ts';

/** A running model on a free port, for tests; what it logged can be read. */
export type StartedModel = AsyncDisposable & {
  url: string;
  logs: Record<string, unknown>[];
  /** Sends a JSON body. */
  post: (path: string, body: unknown, signal?: AbortSignal) => Promise<Response>;
};

export async function startModel(): Promise<StartedModel> {
  const logs: Record<string, unknown>[] = [];
  const sink = new Writable({
    write: (line, _encoding, done) => {
      logs.push(JSON.parse(String(line)));
      done();
    },
  });
  const config = { port: 0, host: '127.0.0.1', logLevel: 'info' } as const;
  const model = createRehearsalModel(config, { logger: pino({ level: 'info' }, sink) });
  const url = `http://127.0.0.1:${await model.listen()}`;
  return {
    url,
    logs,
    post: (path, body, signal) =>
      fetch(url + path, { method: 'POST', body: JSON.stringify(body), ...(signal ? { signal } : {}) }),
    [Symbol.asyncDispose]: model.close,
  };
}

function offer(name: string, ...required: string[]) {
  const properties = Object.fromEntries(required.map((each) => [each, { type: 'string' }]));
  return { type: 'function', function: { name, parameters: { type: 'object', properties, required } } };
}

export const readingTools = [offer('list_files', 'path'), offer('read_file', 'path'), offer('search_files', 'pattern')];
export const finishTool = offer('finish', 'summary');
export const agentTools = [
  ...readingTools,
  offer('write_file', 'path', 'content'),
  offer('edit_file', 'path', 'old_text', 'new_text'),
  offer('run_command', 'command'),
  offer('ask_operator', 'question'),
  finishTool,
];
export const openCodeTools = [
  offer('todowrite', 'todos'),
  offer('bash', 'command', 'description'),
  offer('edit', 'filePath', 'oldString', 'newString'),
  offer('read', 'filePath'),
  offer('write', 'content', 'filePath'),
];
