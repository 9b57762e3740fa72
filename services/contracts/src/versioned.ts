import { z } from 'zod';

/**
 * A format that carries a `version`: what an older version of the product wrote is brought up to date before it is checked, and
 * what a newer one wrote is refused in words that say so.
 * @param migrations by the version that they start from, each to the next one
 */
export function versioned<Schema extends z.ZodType>(
  schema: Schema,
  current: number,
  migrations: Readonly<Record<number, (value: Record<string, unknown>) => Record<string, unknown>>>,
) {
  return z.preprocess((value, context) => {
    if (typeof value !== 'object' || value === null || !('version' in value)) return value;
    if (typeof value.version === 'number' && value.version > current) {
      context.addIssue({
        code: 'custom',
        path: ['version'],
        message: `version ${value.version} was written by a newer Countersign than this one, which knows ${current}`,
      });
      return z.NEVER;
    }
    let migrated: Record<string, unknown> = { ...value };
    for (let from = Number(value.version); from < current; from += 1) {
      const migrate = migrations[from];
      if (migrate === undefined) break;
      migrated = { ...migrate(migrated), version: from + 1 };
    }
    return migrated;
  }, schema);
}
