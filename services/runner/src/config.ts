import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { AgentEnv } from '@countersign/contracts/config/env.ts';
import { Prompt } from '@countersign/contracts/config/prompt.ts';
import { Stages } from '@countersign/contracts/config/stages.ts';
import { Tools } from '@countersign/contracts/config/tools.ts';
import type { Sha256 } from '@countersign/contracts/names.ts';
import { ConfigError, readEnvConfig, readEnvironment, readYamlConfig } from '@countersign/kit/config-file.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { z } from 'zod';

const RunnerEnvironment = z.strictObject({
  RUNNER_HOME: z.string().default('/volumes'),
  RUNNER_SLOTS: z.string().default('/slots'),
  RUNNER_MODEL_SLOTS: z.string().default('/model-slots'),
  RUNNER_SPOOLS: z.string().default('/spools'),
  RUNNER_CONFIGS: z.string().default('/configs'),
  RUNNER_SECRETS: z.string().default('/secrets'),
  RUNNER_LAUNCHER_SOCKET: z.string().default('/run/launcher/launcher.sock'),
  RUNNER_GATEWAY_SOCKET: z.string().default('/run/gateway/gateway.sock'),
  RUNNER_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

type PromptFile = { readonly name: string; readonly system: string; readonly digest: Sha256 };

/** Everything that the runner is told; secrets are not in it. */
export type RunnerConfig = {
  readonly home: string;
  readonly slots: string;
  readonly modelSlots: string;
  readonly spools: string;
  readonly secrets: string;
  readonly launcherSocket: string;
  readonly gatewaySocket: string;
  readonly logLevel: string;
  readonly agent: AgentEnv;
  readonly stages: Stages;
  readonly tools: Tools;
  readonly prompts: { readonly plan: PromptFile; readonly run: PromptFile };
  /** SHA-256 of `stages.yaml`. */
  readonly policyDigest: Sha256;
};

/** Where everything lies; known before anything that could be misspelt is read. */
export function homeFolder(environment: NodeJS.ProcessEnv): string {
  return environment['RUNNER_HOME'] ?? '/volumes';
}

/** Reads environment and `configs/`. @throws ConfigError with every problem of the first file that has any */
export async function readRunnerConfig(environment: NodeJS.ProcessEnv): Promise<RunnerConfig> {
  const env = readEnvironment(environment, 'RUNNER_', RunnerEnvironment);
  const file = (name: string) => join(env.RUNNER_CONFIGS, name);
  const stages = await readYamlConfig(file('stages.yaml'), Stages);
  const tools = await readYamlConfig(file('tools.yaml'), Tools);
  return {
    home: env.RUNNER_HOME,
    slots: env.RUNNER_SLOTS,
    modelSlots: env.RUNNER_MODEL_SLOTS,
    spools: env.RUNNER_SPOOLS,
    secrets: env.RUNNER_SECRETS,
    launcherSocket: env.RUNNER_LAUNCHER_SOCKET,
    gatewaySocket: env.RUNNER_GATEWAY_SOCKET,
    logLevel: env.RUNNER_LOG_LEVEL,
    agent: await readEnvConfig(file('agent.env'), AgentEnv),
    stages: stages.value,
    tools: tools.value,
    prompts: await readPrompts(file('prompts')),
    policyDigest: sha256(stages.bytes),
  };
}

async function readPrompts(folder: string): Promise<RunnerConfig['prompts']> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  const unknown = names.filter((name) => name !== 'plan.yaml' && name !== 'run.yaml');
  if (unknown.length > 0)
    throw new ConfigError(
      `prompts/${unknown[0] ?? ''}: not a prompt that anything uses; there are plan.yaml and run.yaml`,
    );
  return { plan: await readPrompt(join(folder, 'plan.yaml')), run: await readPrompt(join(folder, 'run.yaml')) };
}

async function readPrompt(path: string): Promise<PromptFile> {
  const { value, bytes } = await readYamlConfig(path, Prompt);
  return { name: basename(path, '.yaml'), system: value.system, digest: sha256(bytes) };
}

/** Of a tool's definition, for the bundle. */
export function toolDigest(config: RunnerConfig, tool: string): Sha256 {
  const definition = config.tools.tools[tool];
  return sha256(canonicalJson(definition ?? null));
}
