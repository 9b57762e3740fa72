import { z } from 'zod';

const Environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'PORT is a number from 0 to 65535')
    .transform(Number)
    .pipe(z.number().max(65_535, 'PORT is a number from 0 to 65535'))
    .default(11_434),
  HOST: z.union([z.ipv4(), z.ipv6(), z.literal('localhost')]).default('0.0.0.0'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type Config = { port: number; host: string; logLevel: z.output<typeof Environment>['LOG_LEVEL'] };

/** Thrown for a setting that cannot be used; the message names every such setting. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

/**
 * Reads the service's settings from the environment.
 *
 * @throws ConfigError naming all wrong settings together
 */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) throw new ConfigError(z.prettifyError(parsed.error));
  const { PORT, HOST, LOG_LEVEL } = parsed.data;
  return { port: PORT, host: HOST, logLevel: LOG_LEVEL };
}
