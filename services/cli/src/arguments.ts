import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { CliError } from './failure.ts';

const common = { json: { type: 'boolean' } } as const satisfies ParseArgsOptionsConfig;

/** Options of the commands that go through the spool. */
export const spoolOptions = { 'no-wait': { type: 'boolean' } } as const satisfies ParseArgsOptionsConfig;

/**
 * The options and names that were typed after the command's own name.
 * @throws CliError `usage` for an unknown option or too few or many names
 */
export function parseCommandLine<const Options extends ParseArgsOptionsConfig>(
  words: readonly string[],
  options: Options,
  names: { readonly least: number; readonly most: number },
) {
  const parsed = parseStrictly(words, options);
  const count = parsed.positionals.length;
  if (count < names.least) throw new CliError('usage', 'something is missing: see --help');
  if (count > names.most)
    throw new CliError('usage', `${JSON.stringify(parsed.positionals[names.most])} is one word too many: see --help`);
  return parsed;
}

function parseStrictly<const Options extends ParseArgsOptionsConfig>(words: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...words], options: { ...common, ...options }, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new CliError('usage', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
