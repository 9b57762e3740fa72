import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as page from '@countersign/contracts/page-api.ts';
import { ControlledService } from '@countersign/contracts/services-api.ts';
import { z } from 'zod';
import type { Route } from './route.ts';
import { apiRoutes, type RouteParts } from './routes.ts';

/** Where the document lies. */
export const documentPath = join(import.meta.dirname, '../../../../docs/API.md');

/** Nobody is asked: of a route only what it says of itself is told. */
const routes = apiRoutes({} as RouteParts);

/** Parts that are told once, behind the endpoints. */
const parts: Readonly<Record<string, z.ZodType>> = {
  TaskRow: page.TaskRow,
  TaskQuestion: page.TaskQuestion,
  ServiceRow: page.ServiceRow,
  TimelineEvent: page.TimelineEvent,
  ShownText: page.ShownText,
  ArtifactRow: page.ArtifactRow,
  Attempt: page.Attempt,
  ApprovalFacts: page.ApprovalFacts,
  Review: page.Review,
  RunRow: page.RunRow,
  Problem: page.Problem,
  StreamBatch: page.StreamBatch,
};
/** Of other contracts, and described there. */
const foreign: Readonly<Record<string, z.ZodType>> = {
  TaskDetail: page.TaskDetail,
  TaskRecord: page.TaskDetail.shape.record,
  MergeRefusal: page.Review.shape.refusals.element,
  Wait: page.TaskRow.shape.wait.unwrap(),
  Handoff: page.Attempt.shape.handoff.unwrap(),
  TokenCount: page.Attempt.shape.tokens.unwrap(),
  QueueState: page.Now.shape.queue.unwrap(),
  HealthReport: page.ServiceRow.shape.report.unwrap(),
  Action: page.Action,
  ControlledService,
};

/** The whole of `docs/API.md`. */
export function apiDocument(): string {
  const sections = routes.flatMap(({ method, path, title, query, body, answer }) => [
    `## \`${method.toUpperCase()} /api${path}\``,
    `${title[0]?.toUpperCase() ?? ''}${title.slice(1)}.`,
    ...(hasKeys(query) ? ['Query:', fenced(shape(query))] : []),
    ...(body === null ? [] : ['Asks:', fenced(shape(body))]),
    ...(answer === null ? [] : ['Answers:', fenced(shape(answer))]),
  ]);
  const told = Object.entries(parts).flatMap(([name, schema]) => [`## ${name}`, fenced(shape(schema))]);
  return `${[
    '# The page’s API',
    'Made from the schemas in `services/contracts/src/page-api.ts`, which say what each field means, by `node services/dashboard/src/http/api-document.ts`.',
    'Everything below `/api/` answers 401 without a session; what is not a GET needs the session’s `csrf` as `x-countersign-csrf`. What is asked with `x-countersign-by-itself` keeps no session open. Every answer that is no success is a `Problem`. All texts in answers may be an attacker’s: they are text, never markup.',
    ...sections,
    ...told,
  ].join('\n\n')}\n`;
}

function hasKeys(query: Route['query']): boolean {
  return !(query instanceof z.ZodObject) || Object.keys(query.shape).length > 0;
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
