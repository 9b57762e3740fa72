import { readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';
import { id } from '../config.ts';
import type { Owner } from '../folder.ts';
import type { Places } from './places.ts';

const Settings = z.strictObject({
  /** The ids that services run as here. */
  HOUSE_UID: id,
  HOUSE_GID: id,
  HOUSE_HOME: z.string().default('/volumes'),
  HOUSE_CONFIGS: z.string().default('/configs'),
  HOUSE_SECRETS: z.string().default('/secrets'),
  HOUSE_NAMED: z.string().default('/named'),
});

/** @throws ConfigError */
export function readHouseConfig(environment: NodeJS.ProcessEnv): { readonly owner: Owner; readonly places: Places } {
  const settings = readEnvironment(environment, 'HOUSE_', Settings);
  return {
    owner: { uid: settings.HOUSE_UID, gid: settings.HOUSE_GID },
    places: {
      home: settings.HOUSE_HOME,
      configs: settings.HOUSE_CONFIGS,
      secrets: settings.HOUSE_SECRETS,
      named: settings.HOUSE_NAMED,
    },
  };
}
