import { join } from 'node:path';
import { AgentEnv, HostsEnv } from '@countersign/contracts/config/env.ts';
import { ModelKind } from '@countersign/contracts/gateway-api.ts';
import { ConfigError, readEnvConfig, readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';

const BareOrigin = z
  .url({ protocol: /^https?$/ })
  .refine(isBareOrigin, 'scheme, host and port only, such as http://mac-studio:11434')
  .transform((url) => new URL(url).origin);

const Settings = z.strictObject({
  GATEWAY_CONFIGS: z.string().default('/configs'),
  GATEWAY_SLOTS: z.string().default('/model-slots'),
  GATEWAY_SOCKET: z.string().default('/run/gateway/gateway.sock'),
  GATEWAY_LOGS: z.string().default('/logs'),
  GATEWAY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** What the stack was brought up with. A server that hosts.env names is used instead of its own Ollama, not of a rehearsal. */
  GATEWAY_MODEL_KIND: ModelKind.default('ollama'),
  GATEWAY_STACK_MODEL_URL: BareOrigin.default('http://model:11434'),
  /** For tests: inside a container, loopback is the gateway itself. */
  GATEWAY_ALLOW_LOOPBACK_UPSTREAM: z.literal('1').optional(),
});

const GatewayHosts = HostsEnv.extend({ OLLAMA_BASE_URL: BareOrigin.optional() });

/** The one server and the one model that requests go to. */
export type UpstreamConfig = { readonly kind: ModelKind; readonly origin: string; readonly model: string };

export type GatewayConfig = {
  readonly slotsFolder: string;
  readonly socketPath: string;
  readonly logsFolder: string;
  readonly logLevel: string;
  readonly allowLoopbackUpstream: boolean;
  readonly upstream: UpstreamConfig;
};

/** Where the log and `health.json` are. @throws ConfigError */
export function readLogsFolder(environment: NodeJS.ProcessEnv): string {
  return readEnvironment(environment, 'GATEWAY_', Settings).GATEWAY_LOGS;
}

/** From the environment, `hosts.env` and `agent.env`, read once: a changed file needs a restart. @throws ConfigError */
export async function readConfig(environment: NodeJS.ProcessEnv): Promise<GatewayConfig> {
  const settings = readEnvironment(environment, 'GATEWAY_', Settings);
  const hosts = await readEnvConfig(join(settings.GATEWAY_CONFIGS, 'hosts.env'), GatewayHosts);
  const agent = await readEnvConfig(join(settings.GATEWAY_CONFIGS, 'agent.env'), AgentEnv);
  const { kind, origin } = chooseServer(settings, hosts.OLLAMA_BASE_URL);
  return {
    slotsFolder: settings.GATEWAY_SLOTS,
    socketPath: settings.GATEWAY_SOCKET,
    logsFolder: settings.GATEWAY_LOGS,
    logLevel: settings.GATEWAY_LOG_LEVEL,
    allowLoopbackUpstream: settings.GATEWAY_ALLOW_LOOPBACK_UPSTREAM === '1',
    upstream: { kind, origin, model: chooseModel(agent.OLLAMA_MODEL, kind) },
  };
}

function chooseServer(
  settings: z.infer<typeof Settings>,
  own: string | undefined,
): { kind: ModelKind; origin: string } {
  const kind = settings.GATEWAY_MODEL_KIND;
  if (own !== undefined && kind !== 'rehearsal') return { kind: 'own', origin: own };
  if (kind !== 'own') return { kind, origin: settings.GATEWAY_STACK_MODEL_URL };
  throw new ConfigError(
    'hosts.env: OLLAMA_BASE_URL is not set, and the stack was brought up for it: run scripts/up again',
  );
}

/** Prompts to a cloud model go through the local server to somebody else's. */
const cloudModel = /[:-]cloud$/i;

function chooseModel(configured: string, kind: ModelKind): string {
  if (cloudModel.test(configured)) {
    throw new ConfigError(
      `agent.env: OLLAMA_MODEL: ${configured} is a cloud model; only models on your own machines are used`,
    );
  }
  return kind === 'rehearsal' && !configured.startsWith('rehearsal') ? 'rehearsal' : configured;
}

function isBareOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.href === `${url.origin}/`;
}
