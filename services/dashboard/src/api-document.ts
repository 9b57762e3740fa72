import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as page from '@countersign/contracts/page-api.ts';
import { z } from 'zod';

/** Where the document lies. */
export const documentPath = join(import.meta.dirname, '../../../docs/API.md');

type Endpoint = {
  readonly at: string;
  readonly words: string;
  readonly asks?: z.ZodType;
  readonly answers?: z.ZodType;
};

const endpoints: readonly Endpoint[] = [
  { at: 'GET /api/session', words: 'The session that the request has.', answers: page.Session },
  { at: 'GET /api/now', words: 'The first page.', answers: page.Now },
  { at: 'GET /api/tasks', words: 'Tasks, the newest first.', asks: page.TaskQuery, answers: page.TaskList },
  { at: 'GET /api/tasks/<id>', words: 'One task with everything that it left.', answers: page.TaskDetail },
  {
    at: 'GET /api/tasks/<id>/attempts/<n>/<name>?start=&bytes=',
    words:
      'A piece of a file of an attempt, by the name that the task’s `artifacts` give it; a negative `start` counts from its end.',
  },
  { at: 'GET /api/approvals', words: 'What a person is asked, the oldest first.', answers: page.Approvals },
  { at: 'GET /api/runs?after=&limit=', words: 'Runs, the newest first.', answers: page.RunList },
  { at: 'GET /api/portfolio', words: 'Sums by workspace, tool and model.', answers: page.Portfolio },
  { at: 'GET /api/charts?days=', words: 'The last days, today in UTC last.', answers: page.Charts },
  { at: 'GET /api/search?q=', words: 'Tasks in whose texts all words are.', answers: page.SearchResults },
  {
    at: 'GET /api/logs/<service>?before=&after=&limit=',
    words: 'Lines of a log; without `before` and `after`, the last ones.',
    answers: page.LogLines,
  },
  { at: 'GET /api/configuration', words: 'The configuration without its secrets.', answers: page.Configuration },
  { at: 'GET /api/services', words: 'How the services are.', answers: page.Services },
  {
    at: 'POST /api/commands',
    words: 'A decision or an order.',
    asks: page.CommandRequest,
    answers: page.CommandAnswer,
  },
  { at: 'GET /api/commands/<id>', words: 'What came of a command.', answers: page.CommandAnswer },
  {
    at: 'GET /api/stream?tasks=&services=',
    words: 'Server-Sent Events: batches, and `reset` where everything is to be asked for anew.',
    answers: page.StreamBatch,
  },
];

/** Parts that are told once, behind the endpoints. */
const parts: Readonly<Record<string, z.ZodType>> = {
  TaskRow: page.TaskRow,
  ServiceRow: page.ServiceRow,
  TimelineEvent: page.TimelineEvent,
  ShownText: page.ShownText,
  ArtifactRow: page.ArtifactRow,
  Attempt: page.Attempt,
  ApprovalFacts: page.ApprovalFacts,
  RunRow: page.RunRow,
  Problem: page.Problem,
};
/** Of other contracts, and described there. */
const foreign: Readonly<Record<string, z.ZodType>> = {
  TaskDetail: page.TaskDetail,
  TaskRecord: page.TaskDetail.shape.record,
  MergeRefusal: page.TaskDetail.shape.refusals.element,
  Wait: page.TaskRow.shape.wait.unwrap(),
  Handoff: page.Attempt.shape.handoff.unwrap(),
  TokenCount: page.Attempt.shape.tokens.unwrap(),
  QueueState: page.Now.shape.queue.unwrap(),
  HealthReport: page.ServiceRow.shape.report.unwrap(),
  Action: page.Action,
  ControlledService: page.ControlledService,
};

/** The whole of `docs/API.md`. */
export function apiDocument(): string {
  const sections = endpoints.flatMap(({ at, words, asks, answers }) => [
    `## \`${at}\``,
    words,
    ...(asks === undefined ? [] : ['Asks:', fenced(shape(asks))]),
    ...(answers === undefined ? [] : ['Answers:', fenced(shape(answers))]),
  ]);
  const told = Object.entries(parts).flatMap(([name, schema]) => [`## ${name}`, fenced(shape(schema))]);
  return `${[
    '# The page’s API',
    'Made from the schemas in `services/contracts/src/page-api.ts`, which say what each field means, by `node services/dashboard/src/api-document.ts`.',
    'Everything below `/api/` answers 401 without a session; what is not a GET needs the session’s `csrf` as `x-countersign-csrf`. Every answer that is no success is a `Problem`. All texts in answers may be an attacker’s: they are text, never markup.',
    ...sections,
    ...told,
  ].join('\n\n')}\n`;
}

type Json = Readonly<Record<string, unknown>>;

function shape(schema: z.ZodType): string {
  const names = new Map<unknown, string>(
    [...Object.entries(foreign), ...Object.entries(parts)].map(([name, part]) => [part, name]),
  );
  const json = z.toJSONSchema(schema, {
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => {
      const part: unknown = zodSchema;
      const name = part === schema ? undefined : names.get(part);
      if (name === undefined) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      jsonSchema.title = name;
    },
  });
  return words(json as Json, '');
}

function words(json: Json, indent: string): string {
  if (typeof json['title'] === 'string') return json['title'];
  if ('const' in json) return JSON.stringify(json['const']);
  if (Array.isArray(json['enum'])) return json['enum'].map((value) => JSON.stringify(value)).join(' | ');
  const options = json['anyOf'] ?? json['oneOf'];
  if (Array.isArray(options)) return options.map((option) => words(option as Json, indent)).join(' | ');
  if (Array.isArray(json['type'])) return json['type'].map((type) => words({ ...json, type }, indent)).join(' | ');
  switch (json['type']) {
    case 'object':
      return objectWords(json, indent);
    case 'array': {
      const items = words((json['items'] ?? {}) as Json, indent);
      return items.includes(' | ') ? `(${items})[]` : `${items}[]`;
    }
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
    case 'null':
      return json['type'];
    default:
      return 'unknown';
  }
}

function objectWords(json: Json, indent: string): string {
  const { properties, additionalProperties, required } = json;
  if (properties === undefined) return `{ [name: string]: ${words((additionalProperties ?? {}) as Json, indent)} }`;
  const needed = new Set(Array.isArray(required) ? required : []);
  const lines = Object.entries(properties as Record<string, Json>).map(
    ([name, value]) => `${indent}  ${name}${needed.has(name) ? '' : '?'}: ${words(value, `${indent}  `)}`,
  );
  return `{\n${lines.join('\n')}\n${indent}}`;
}

function fenced(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

if (import.meta.main) writeFileSync(documentPath, apiDocument());
