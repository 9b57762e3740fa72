import { z } from 'zod';

/** The keys that an object of this schema may have at a path; none where there is no object of fixed keys. */
export function allowedKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schema);
  const [step, ...rest] = path;
  if (step === undefined) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
  if (inner instanceof z.ZodObject) return allowedKeys(inner.shape[String(step)], rest);
  if (inner instanceof z.ZodRecord) return allowedKeys(inner.valueType, rest);
  if (inner instanceof z.ZodArray) return allowedKeys(inner.element, rest);
  return [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return unwrap(schema.unwrap());
  return schema;
}
