import { join } from 'node:path';
import { AgentEnv, BareOrigin, HostsEnv } from '@countersign/contracts/config/env.ts';
import { ModelKind } from '@countersign/contracts/gateway-api.ts';
import { ConfigError, readEnvConfig, readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';

const Settings = z.strictObject({
  GATEWAY_CONFIGS: z.string().default('/configs'),
  GATEWAY_SLOTS: z.string().default('/model-slots'),
  GATEWAY_SOCKET: z.string().default('/run/gateway/gateway.sock'),
  GATEWAY_MATRIX_DOOR: z.string().default('/run/matrix/synapse.sock'),
  GATEWAY_LOGS: z.string().default('/logs'),
  GATEWAY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** What the stack was brought up with. A server that hosts.env names is used instead of its own Ollama, not of a rehearsal. */
  GATEWAY_MODEL_KIND: ModelKind.default('ollama'),
  GATEWAY_STACK_MODEL_URL: BareOrigin.default('http://model:11434'),
  /** The stack's own homeserver, used where hosts.env names none. */
  GATEWAY_STACK_HOMESERVER_URL: BareOrigin.default('http://synapse:8008'),
  /** For tests: inside a container, loopback is the gateway itself. */
  GATEWAY_ALLOW_LOOPBACK_UPSTREAM: z.literal('1').optional(),
});

/** The one server and the one model that requests go to. */
export type UpstreamConfig = { readonly kind: ModelKind; readonly origin: string; readonly model: string };

/** The homeserver behind the listener's door. */
type HomeserverConfig = { readonly kind: 'own' | 'embedded'; readonly origin: string };

export type GatewayConfig = {
  readonly slotsFolder: string;
  readonly socketPath: string;
  /** The listener's door to the homeserver. */
  readonly doorPath: string;
  readonly logsFolder: string;
  readonly logLevel: string;
  readonly allowLoopbackUpstream: boolean;
  /** Addresses and subnets outside of the tailnet that the operator's own servers may have. */
  readonly allowedAddresses: readonly string[];
  readonly upstream: UpstreamConfig;
  readonly homeserver: HomeserverConfig;
};

/** Where the log and `health.json` are. @throws ConfigError */
export function readLogsFolder(environment: NodeJS.ProcessEnv): string {
  return readEnvironment(environment, 'GATEWAY_', Settings).GATEWAY_LOGS;
}

/** From the environment, `hosts.env` and `agent.env`, read once: a changed file needs a restart. @throws ConfigError */
export async function readConfig(environment: NodeJS.ProcessEnv): Promise<GatewayConfig> {
  const settings = readEnvironment(environment, 'GATEWAY_', Settings);
  const hosts = await readEnvConfig(join(settings.GATEWAY_CONFIGS, 'hosts.env'), HostsEnv);
  const agent = await readEnvConfig(join(settings.GATEWAY_CONFIGS, 'agent.env'), AgentEnv);
  const { kind, origin } = chooseServer(settings, hosts.OLLAMA_BASE_URL);
  return {
    slotsFolder: settings.GATEWAY_SLOTS,
    socketPath: settings.GATEWAY_SOCKET,
    doorPath: settings.GATEWAY_MATRIX_DOOR,
    logsFolder: settings.GATEWAY_LOGS,
    logLevel: settings.GATEWAY_LOG_LEVEL,
    allowLoopbackUpstream: settings.GATEWAY_ALLOW_LOOPBACK_UPSTREAM === '1',
    allowedAddresses: hosts.ALLOWED_ADDRESSES ?? [],
    upstream: { kind, origin, model: chooseModel(agent.OLLAMA_MODEL, kind) },
    homeserver:
      hosts.MATRIX_HOMESERVER === undefined
        ? { kind: 'embedded', origin: settings.GATEWAY_STACK_HOMESERVER_URL }
        : { kind: 'own', origin: hosts.MATRIX_HOMESERVER },
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
