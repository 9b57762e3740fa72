import { readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';

// Whether ids are the operator's or root's is for `scripts/up` to choose; a service is never root.
export const id = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, 'a numeric id above 0; services do not run as root')
  .transform(Number);

const Settings = z.strictObject({
  /** The ids that the services run as. */
  INIT_UID: id,
  INIT_GID: id,
  INIT_VOLUMES: z.string().default('/volumes'),
  INIT_SECRETS: z.string().default('/secrets'),
  INIT_NAMED: z.string().default('/named'),
});

export type InitConfig = {
  readonly uid: number;
  readonly gid: number;
  /** Whom the launcher runs as. */
  readonly rootUid: number;
  readonly volumes: string;
  readonly secrets: string;
  readonly named: string;
};

/** @throws ConfigError */
export function readInitConfig(environment: NodeJS.ProcessEnv): InitConfig {
  const settings = readEnvironment(environment, 'INIT_', Settings);
  return {
    uid: settings.INIT_UID,
    gid: settings.INIT_GID,
    rootUid: 0,
    volumes: settings.INIT_VOLUMES,
    secrets: settings.INIT_SECRETS,
    named: settings.INIT_NAMED,
  };
}
