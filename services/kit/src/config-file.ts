import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseEnv } from 'node:util';
import { formatProblems, type Problem } from '@countersign/contracts/problem.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import type { z } from 'zod';

/** A configuration that cannot be used; the message lists every problem with its file and line. */
export class ConfigError extends Error {
  readonly code = 'config';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

/** @throws ConfigError */
export async function readYamlConfig<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<{ value: z.output<Schema>; bytes: Buffer }> {
  const bytes = await readBytes(path);
  const parsed = parseYaml(bytes.toString('utf8'), schema);
  if (!parsed.ok) throw new ConfigError(formatProblems(basename(path), parsed.problems));
  return { value: parsed.value, bytes };
}

/**
 * Reads `KEY=value` lines. A key that the schema does not know is refused, and so are a key that stands twice and a line that
 * is neither a setting, a comment nor blank. An empty value counts as none. @throws ConfigError
 */
export async function readEnvConfig<Schema extends z.ZodObject>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = (await readBytes(path)).toString('utf8').replace(/^\uFEFF/, '');
  const malformed = malformedLines(text);
  if (malformed.length > 0) throw new ConfigError(formatProblems(basename(path), malformed));
  return parseSettings(parseEnv(text), schema, basename(path), (key) => lineOfKey(text, key));
}

/**
 * The settings of a service from its environment: every variable that starts with `prefix` belongs to it, so that a misspelt
 * one is refused; others are not looked at. @throws ConfigError
 */
export function readEnvironment<Schema extends z.ZodObject>(
  environment: NodeJS.ProcessEnv,
  prefix: string,
  schema: Schema,
): z.output<Schema> {
  const values = Object.fromEntries(Object.entries(environment).filter(([key]) => key.startsWith(prefix)));
  return parseSettings(values, schema, 'environment', () => 0);
}

function parseSettings<Schema extends z.ZodObject>(
  settings: Readonly<Record<string, string | undefined>>,
  schema: Schema,
  file: string,
  lineOf: (key: string) => number,
): z.output<Schema> {
  const allowed = Object.keys(schema.shape);
  const values = Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => value !== '' || !allowed.includes(key)),
  );
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue): Problem[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          line: lineOf(key),
          message: `unknown setting ${key}; allowed: ${allowed.join(', ')}`,
        }))
      : [
          {
            line: lineOf(String(issue.path[0] ?? '')),
            message: `${issue.path.map(String).join('.')}: ${issue.message}`,
          },
        ],
  );
  throw new ConfigError(formatProblems(file, problems));
}

const settingLine = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/;

function malformedLines(text: string): Problem[] {
  const seen = new Map<string, number>();
  return text.split('\n').flatMap((content, index): Problem[] => {
    const line = index + 1;
    if (/^\s*(?:#|$)/.test(content)) return [];
    const key = settingLine.exec(content)?.[1];
    if (key === undefined) return [{ line, message: 'not a setting; a line is KEY=value, a # comment, or blank' }];
    const first = seen.get(key);
    seen.set(key, first ?? line);
    return first === undefined
      ? []
      : [{ line, message: `${key} stands here a second time; it is already on line ${first}` }];
  });
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ConfigError(
      `${basename(path)} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function lineOfKey(text: string, key: string): number {
  return text.split('\n').findIndex((line) => settingLine.exec(line)?.[1] === key) + 1;
}
