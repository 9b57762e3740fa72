import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSigningKey } from '@countersign/contracts/command.ts';
import { ConfigError, readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';
import { LoginToken } from './session/login-token.ts';

/** A host behind a proxy that speaks https, with the port where it is not 443: as a browser writes it into `Host`. */
const httpsHost = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[1-9][0-9]{0,4})?$/;

const Hosts = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((host) => host.trim().toLowerCase()))
  .transform((hosts) => hosts.filter((host) => host !== ''))
  .refine(
    (hosts) => hosts.every((host) => httpsHost.test(host)),
    'host names with commas between them, no scheme, no path',
  );

const Settings = z.strictObject({
  /** The folder that holds `inbox/`, `outbox/`, `runs/` and `logs/`. */
  DASHBOARD_VOLUMES: z.string().default('/volumes'),
  DASHBOARD_CONFIGS: z.string().default('/configs'),
  DASHBOARD_SECRETS: z.string().default('/secrets'),
  DASHBOARD_SPOOL: z.string().default('/spool'),
  /** The folder of the index; nothing is lost with it. */
  DASHBOARD_INDEX: z.string().default('/index'),
  DASHBOARD_LOGS: z.string().default('/logs'),
  DASHBOARD_SOCKET: z.string().default('/run/page/page.sock'),
  /** The launcher's services socket. */
  DASHBOARD_SERVICES_SOCKET: z.string().default('/run/services/services.sock'),
  /** The folder of the built page. */
  DASHBOARD_PAGE: z.string().default(join(import.meta.dirname, '../page/dist')),
  /** Where the page is published on this machine's loopback. */
  DASHBOARD_PORT: z.coerce.number().int().min(1).max(65_535).default(7860),
  /** Hosts at which `tailscale serve`, or another proxy that speaks https, publishes the page. */
  DASHBOARD_HOSTS: Hosts,
  /** Who sits at the page; a note for the journal and no proof. */
  DASHBOARD_USER: z
    .string()
    .regex(/^[A-Za-z0-9._@-]{1,64}$/, '1 to 64 letters, digits, ., _, @ and -')
    .default('operator'),
  DASHBOARD_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** Everything that the dashboard is told; its two secrets are not in it. */
export type DashboardConfig = {
  readonly volumes: string;
  readonly configs: string;
  readonly spool: string;
  readonly index: string;
  readonly logs: string;
  readonly socket: string;
  readonly servicesSocket: string;
  readonly page: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly user: string;
  readonly logLevel: string;
};

export type DashboardSecrets = { readonly token: LoginToken; readonly key: KeyObject };

/** Where the log and `health.json` are. @throws ConfigError */
export function readLogsFolder(environment: NodeJS.ProcessEnv): string {
  return readEnvironment(environment, 'DASHBOARD_', Settings).DASHBOARD_LOGS;
}

/** Reads environment and secrets, once: a new token needs a restart, and a restart ends all sessions. @throws ConfigError */
export async function readDashboardConfig(
  environment: NodeJS.ProcessEnv,
): Promise<{ config: DashboardConfig; secrets: DashboardSecrets }> {
  const settings = readEnvironment(environment, 'DASHBOARD_', Settings);
  const config = {
    volumes: settings.DASHBOARD_VOLUMES,
    configs: settings.DASHBOARD_CONFIGS,
    spool: settings.DASHBOARD_SPOOL,
    index: settings.DASHBOARD_INDEX,
    logs: settings.DASHBOARD_LOGS,
    socket: settings.DASHBOARD_SOCKET,
    servicesSocket: settings.DASHBOARD_SERVICES_SOCKET,
    page: settings.DASHBOARD_PAGE,
    port: settings.DASHBOARD_PORT,
    hosts: settings.DASHBOARD_HOSTS,
    user: settings.DASHBOARD_USER,
    logLevel: settings.DASHBOARD_LOG_LEVEL,
  };
  const secret = <T>(name: string, parse: (text: string) => T) =>
    readSecret(join(settings.DASHBOARD_SECRETS, name), name, parse);
  return {
    config,
    secrets: {
      token: await secret('login-token', (text) => new LoginToken(text)),
      key: await secret('signing.key.pem', readSigningKey),
    },
  };
}

async function readSecret<T>(path: string, name: string, parse: (text: string) => T): Promise<T> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`secrets/dashboard/${name} cannot be used; scripts/up makes it`, { cause });
  }
}
