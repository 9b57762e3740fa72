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

/** Reads `KEY=value` lines; a key that the schema does not know is refused. @throws ConfigError */
export async function readEnvConfig<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const text = (await readBytes(path)).toString('utf8');
  const values = Object.fromEntries(Object.entries(parseEnv(text)).filter(([, value]) => value !== ''));
  return parseSettings(values, schema, basename(path), (key) => lineOfKey(text, key));
}

/**
 * The settings of a service from its environment: every variable that starts with `prefix` belongs to it, so that a misspelt
 * one is refused; others are not looked at. @throws ConfigError
 */
export function readEnvironment<Schema extends z.ZodType>(
  environment: NodeJS.ProcessEnv,
  prefix: string,
  schema: Schema,
): z.output<Schema> {
  const values = Object.fromEntries(
    Object.entries(environment).filter(([key, value]) => key.startsWith(prefix) && value !== undefined && value !== ''),
  );
  return parseSettings(values, schema, 'environment', () => 0);
}

function parseSettings<Schema extends z.ZodType>(
  values: object,
  schema: Schema,
  file: string,
  lineOf: (key: string) => number,
): z.output<Schema> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const allowed =
    'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null
      ? Object.keys(schema.shape).join(', ')
      : '';
  const problems = parsed.error.issues.flatMap((issue): Problem[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ line: lineOf(key), message: `unknown setting ${key}; allowed: ${allowed}` }))
      : [
          {
            line: lineOf(String(issue.path[0] ?? '')),
            message: `${issue.path.map(String).join('.')}: ${issue.message}`,
          },
        ],
  );
  throw new ConfigError(formatProblems(file, problems));
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
  const index = text.split('\n').findIndex((line) => line.replace(/^\s*(?:export\s+)?/, '').startsWith(`${key}=`));
  return index + 1;
}
