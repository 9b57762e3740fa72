import { z } from 'zod';
import type { Route } from './route.ts';

const JsonSchema = z.record(z.string(), z.json());

/** GET /api/schema: the API, from the table that answers it. Shapes are JSON Schema; null where there is no JSON. */
export const ApiDescription = z.strictObject({
  routes: z.array(
    z.strictObject({
      method: z.string(),
      path: z.string(),
      title: z.string(),
      query: JsonSchema,
      body: JsonSchema.nullable(),
      status: z.int(),
      answer: JsonSchema.nullable(),
    }),
  ),
});
export type ApiDescription = z.infer<typeof ApiDescription>;

export function describeRoutes(routes: readonly Route[]): ApiDescription {
  return {
    routes: routes.map(({ method, path, title, query, body, status, answer }) => ({
      method: method.toUpperCase(),
      path: `/api${path}`,
      title,
      query: schemaOf(query),
      body: body === null ? null : schemaOf(body),
      status,
      answer: answer === null ? null : schemaOf(answer),
    })),
  };
}

function schemaOf(schema: z.ZodType): z.infer<typeof JsonSchema> {
  return JsonSchema.parse(JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }))));
}
