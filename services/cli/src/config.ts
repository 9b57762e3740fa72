import { readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';

const Settings = z.strictObject({
  CLI_VOLUMES: z.string().default('/volumes'),
  CLI_SPOOL: z.string().default('/spool'),
  CLI_SECRETS: z.string().default('/secrets'),
  /** Who sits at the shell, as the host knows the person; a note for the journal and no proof. */
  CLI_USER: z
    .string()
    .regex(/^[A-Za-z0-9._@-]{1,64}$/, '1 to 64 letters, digits, ., _, @ and -')
    .default('operator'),
  /** Whether what is printed may come to a terminal; the host says it, for in a container nothing does. */
  CLI_TERMINAL: z.enum(['yes', 'no']).default('yes'),
});

export type CliConfig = {
  readonly volumes: string;
  readonly spool: string;
  readonly secrets: string;
  readonly user: string;
  readonly terminal: boolean;
};

/** @throws ConfigError */
export function readCliConfig(environment: NodeJS.ProcessEnv): CliConfig {
  const settings = readEnvironment(environment, 'CLI_', Settings);
  return {
    volumes: settings.CLI_VOLUMES,
    spool: settings.CLI_SPOOL,
    secrets: settings.CLI_SECRETS,
    user: settings.CLI_USER,
    terminal: settings.CLI_TERMINAL === 'yes',
  };
}
