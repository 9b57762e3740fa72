import { readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';
import type { EnrolConfig } from './config.ts';

const Settings = z.strictObject({
  ROTATE_HOMESERVER: z.string().default('http://synapse:8008'),
  ROTATE_DOOR: z.string().default('/run/matrix/synapse.sock'),
  ROTATE_SECRETS: z.string().default('/secrets'),
  ROTATE_LISTENER_SECRETS: z.string().default('/listener-secrets'),
  ROTATE_LISTENER_LOGS: z.string().default('/listener-logs'),
});

export type RotateConfig = Pick<EnrolConfig, 'homeserver' | 'secrets' | 'listenerSecrets'> & {
  /** The gateway's door to a homeserver of the operator's. */
  readonly door: string;
  /** Where the listener says how it is. */
  readonly listenerLogs: string;
};

/** @throws ConfigError */
export function readRotateConfig(environment: NodeJS.ProcessEnv): RotateConfig {
  const settings = readEnvironment(environment, 'ROTATE_', Settings);
  return {
    homeserver: settings.ROTATE_HOMESERVER,
    door: settings.ROTATE_DOOR,
    secrets: settings.ROTATE_SECRETS,
    listenerSecrets: settings.ROTATE_LISTENER_SECRETS,
    listenerLogs: settings.ROTATE_LISTENER_LOGS,
  };
}
