import type { JsonSchema } from './conversation.ts';

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The named parts of an object schema, or none when it is not one. */
export function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, JsonSchema] => isSchema(entry[1])),
  );
}

/** The alternatives of a schema: itself, when it has none. */
export function branchesOf(schema: JsonSchema): JsonSchema[] {
  const alternatives = schema.anyOf ?? schema.oneOf;
  return Array.isArray(alternatives) ? alternatives.filter(isSchema) : [schema];
}

/** The texts that a schema allows by name; empty when it allows any. */
export function allowedTexts(schema: JsonSchema | undefined): string[] {
  const allowed = schema?.const === undefined ? schema?.enum : [schema.const];
  return Array.isArray(allowed) ? allowed.filter((value) => typeof value === 'string') : [];
}

/**
 * Makes a value that fits a schema of the simple kinds that clients send: objects, arrays, texts, numbers, booleans.
 *
 * @param text what to put where any text may stand
 * @param lines what to put where a list of texts may stand
 */
export function fitSchema(schema: JsonSchema, text: string, lines: readonly string[]): unknown {
  const branch = branchesOf(schema)[0] ?? {};
  if (branch.const !== undefined) return branch.const;
  if (Array.isArray(branch.enum)) return branch.enum[0];
  const type = Array.isArray(branch.type) ? branch.type[0] : branch.type;
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(propertiesOf(branch)).map(([key, part]) => [key, fitSchema(part, text, lines)]),
      );
    case 'array': {
      const items = isSchema(branch.items) ? branch.items : {};
      return lines.map((line) => fitSchema(items, line, []));
    }
    case 'number':
    case 'integer':
      return typeof branch.minimum === 'number' ? branch.minimum : 0;
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return text;
  }
}
