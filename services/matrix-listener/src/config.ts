import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSigningKey } from '@countersign/contracts/command.ts';
import { RoomSettings } from '@countersign/contracts/config/room.ts';
import { Stages } from '@countersign/contracts/config/stages.ts';
import type { MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { ConfigError, readEnvironment, readYamlConfig } from '@countersign/kit/config-file.ts';
import { exists } from '@countersign/kit/files.ts';
import { z } from 'zod';
import { type Access, botFile, botFileName, readBotFile } from './bot-file.ts';

const Settings = z.strictObject({
  /** The folder that holds `runs/`. */
  LISTENER_VOLUMES: z.string().default('/volumes'),
  LISTENER_CONFIGS: z.string().default('/configs'),
  LISTENER_SECRETS: z.string().default('/secrets'),
  LISTENER_SPOOL: z.string().default('/spool'),
  LISTENER_STATE: z.string().default('/state'),
  LISTENER_LOGS: z.string().default('/logs'),
  LISTENER_DOOR: z.string().default('/run/matrix/synapse.sock'),
  LISTENER_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** Everything that the listener is told; its two secrets are not in it. */
export type ListenerConfig = {
  readonly volumes: string;
  readonly spool: string;
  readonly state: string;
  readonly logs: string;
  readonly door: string;
  readonly logLevel: string;
  /** The folder of the bot's token and of the key. */
  readonly secrets: string;
  readonly bot: MatrixUserId;
  readonly room: MatrixRoomId;
  readonly stages: Stages;
  /** When the room calls a person. */
  readonly calls: RoomSettings;
};

export type ListenerSecrets = { readonly access: Access; readonly key: KeyObject };

/** Where the log and `health.json` are. @throws ConfigError */
export function readLogsFolder(environment: NodeJS.ProcessEnv): string {
  return readEnvironment(environment, 'LISTENER_', Settings).LISTENER_LOGS;
}

/** Reads environment, `stages.yaml`, `room.yaml` and the bot's secrets, once: what changes needs a restart, but for the token. @throws ConfigError */
export async function readListenerConfig(
  environment: NodeJS.ProcessEnv,
): Promise<{ config: ListenerConfig; secrets: ListenerSecrets }> {
  const settings = readEnvironment(environment, 'LISTENER_', Settings);
  const stages = await readYamlConfig(join(settings.LISTENER_CONFIGS, 'stages.yaml'), Stages);
  const { bot, access } = await readBot(join(settings.LISTENER_SECRETS, botFileName));
  const config = {
    volumes: settings.LISTENER_VOLUMES,
    spool: settings.LISTENER_SPOOL,
    state: settings.LISTENER_STATE,
    logs: settings.LISTENER_LOGS,
    door: settings.LISTENER_DOOR,
    logLevel: settings.LISTENER_LOG_LEVEL,
    secrets: settings.LISTENER_SECRETS,
    bot: bot.MATRIX_BOT_USER,
    room: bot.MATRIX_ROOM_ID,
    stages: stages.value,
    calls: await readCalls(join(settings.LISTENER_CONFIGS, 'room.yaml')),
  };
  return { config, secrets: { access, key: await readKey(settings.LISTENER_SECRETS) } };
}

/** A house that was made before there were such settings has them as shipped. */
async function readCalls(path: string): Promise<RoomSettings> {
  if (!(await exists(path))) return RoomSettings.parse({ version: 1 });
  return (await readYamlConfig(path, RoomSettings)).value;
}

async function readBot(path: string): ReturnType<typeof readBotFile> {
  if (!(await exists(path)))
    throw new ConfigError(
      `${botFile} is missing. With the stack’s own Synapse scripts/up makes it; for a homeserver of yours write its three lines: MATRIX_BOT_USER=@name:server, MATRIX_BOT_TOKEN=…, MATRIX_ROOM_ID=!…`,
    );
  return await readBotFile(path);
}

async function readKey(secrets: string): Promise<KeyObject> {
  try {
    return readSigningKey(await readFile(join(secrets, 'signing.key.pem'), 'utf8'));
  } catch (cause) {
    throw new ConfigError('secrets/matrix-listener/signing.key.pem cannot be used; scripts/up makes it', { cause });
  }
}
