import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentEnv, HostsEnv } from '@countersign/contracts/config/env.ts';
import { SandboxProfiles } from '@countersign/contracts/config/sandbox.ts';
import { Stages } from '@countersign/contracts/config/stages.ts';
import { Tools } from '@countersign/contracts/config/tools.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, readEnvConfig, readEnvironment, readYamlConfig } from './config-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function failure(action: Promise<unknown>): Promise<string> {
  const error = await action.catch((reason: unknown) => reason);
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.message;
}

const shipped = (name: string) => new URL(`../../../configs/${name}`, import.meta.url).pathname;

describe('the configuration as shipped', () => {
  test('is read, and gates what its stages say', async () => {
    const { value } = await readYamlConfig(shipped('stages.yaml'), Stages);
    const { stages } = value;
    expect(Object.entries(stages).map(([name, { gate }]) => [name, gate])).toEqual([
      ['dev', 'none'],
      ['staging', 'approval'],
      ['prod', 'approval'],
    ]);
    const operator = { channel: 'matrix', persons: ['@operator:countersign.local'] };
    const atTheMachine = [{ channel: 'shell' }, { channel: 'dashboard' }];
    for (const name of ['dev', 'staging']) expect(stages[name]?.decide).toEqual([...atTheMachine, operator]);
    expect(stages['prod']?.decide).toEqual(atTheMachine);
    const tools = await readYamlConfig(shipped('tools.yaml'), Tools);
    expect(tools.value.tools['agent']).toMatchObject({
      mode: 'batch',
      timeout_sec: 1800,
      step_limit: 60,
      token_budget: 500_000,
    });
  });

  test('has no profile with a graphics processor, and describes one that is understood', async () => {
    const text = await readFile(shipped('sandbox.yaml'), 'utf8');
    expect(parseYaml(text, SandboxProfiles)).not.toMatchObject({ value: { profiles: { gpu: expect.anything() } } });
    const described = text.replace(/^ {2}# gpu:\n(?: {2}# .*\n)+/m, (profile) => profile.replaceAll('  # ', '  '));
    expect(parseYaml(described, SandboxProfiles)).toMatchObject({
      ok: true,
      value: { profiles: { gpu: { gpus: 'all' } } },
    });
  });

  test('names only sandbox profiles that exist', async () => {
    const stages = (await readYamlConfig(shipped('stages.yaml'), Stages)).value.stages;
    const profiles = (await readYamlConfig(shipped('sandbox.yaml'), SandboxProfiles)).value.profiles;
    for (const { sandbox_profile } of Object.values(stages)) expect(Object.keys(profiles)).toContain(sandbox_profile);
  });
});

describe('YAML', () => {
  const stages =
    'version: 1\nstages:\n  dev:\n    gate: none\n    sandbox_profile: default\n    decide: [{channel: shell}]\n    approval_hours: 72\n';

  test('is read with its bytes', async () => {
    const path = await put('stages.yaml', stages);
    expect((await readYamlConfig(path, Stages)).bytes.toString()).toBe(stages);
  });

  test.each([
    [
      'a misspelt setting',
      stages.replace('gate:', 'gates:'),
      'stages.yaml:4: unknown key "gates" in stages.dev; allowed: gate, sandbox_profile, decide, approval_hours',
    ],
    [
      'a misspelt setting in a list',
      stages.replace('channel:', 'chanel:'),
      'stages.yaml:6: unknown key "chanel" in stages.dev.decide.0; allowed: channel, persons',
    ],
    [
      'a wrong value',
      stages.replace('none', 'maybe'),
      'stages.yaml:4: stages.dev.gate: Invalid option: expected one of "none"|"approval"',
    ],
    ['a missing setting', stages.replace('    gate: none\n', ''), 'stages.yaml:3: stages.dev.gate: Invalid option'],
    [
      'a setting twice',
      `${stages}version: 1\n`,
      'stages.yaml:8: the key "version" stands here a second time; it is already on line 1',
    ],
    ['a second document', `${stages}---\nversion: 1\n`, 'stages.yaml:8:'],
    ['an alias', stages.replace('72', '*x'), 'stages.yaml:7:'],
    ['nothing', '', 'stages.yaml:1:'],
  ])('%s is refused with its line and what is allowed', async (_name, text, message) => {
    expect(await failure(readYamlConfig(await put('stages.yaml', text), Stages))).toContain(message);
  });

  test('a file that is not there is named', async () => {
    expect(await failure(readYamlConfig(join(folder, 'stages.yaml'), Stages))).toContain('stages.yaml cannot be read');
  });
});

describe('KEY=value', () => {
  const agent = 'OLLAMA_MODEL=qwen2.5-coder:32b\nMAX_TASKS=4\nMAX_TASKS_PER_WORKSPACE=1\n';

  test.each([
    ['as it is', agent],
    ['with CRLF', agent.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\uFEFF${agent}`],
    [
      'with comments, blanks, quotes and export',
      `# x\n\n  export ${agent.replace('qwen2.5-coder:32b', '"qwen2.5-coder:32b" # y')}`,
    ],
    ['with an empty setting, which counts as none', `${agent}MAX_TASKS_PER_MODEL=\n`],
  ])('%s', async (_name, text) => {
    expect(await readEnvConfig(await put('agent.env', text), AgentEnv)).toEqual({
      OLLAMA_MODEL: 'qwen2.5-coder:32b',
      MAX_TASKS: 4,
      MAX_TASKS_PER_WORKSPACE: 1,
      MIN_FREE_DISK_MB: 2_048,
      BREAKER_FAILURES: 3,
      BREAKER_WAIT_SEC: 600,
    });
  });

  test.each([
    [
      'a misspelt setting',
      `${agent}OLAMA_MODEL=x\n`,
      'agent.env:4: unknown setting OLAMA_MODEL; allowed: OLLAMA_MODEL, MAX_TASKS,',
    ],
    ['a misspelt setting without a value', `${agent}OLAMA_MODEL=\n`, 'agent.env:4: unknown setting OLAMA_MODEL'],
    [
      'a setting twice',
      `${agent}MAX_TASKS=5\n`,
      'agent.env:4: MAX_TASKS stands here a second time; it is already on line 2',
    ],
    ['a line that is none', `source hosts.env\n${agent}`, 'agent.env:1: not a setting'],
    ['a wrong value', agent.replace('=4', '=many'), 'agent.env:2: MAX_TASKS: a whole number from 1 to 999'],
    ['a missing setting', agent.replace('MAX_TASKS=4\n', ''), 'MAX_TASKS'],
  ])('%s is refused with its line', async (_name, text, message) => {
    expect(await failure(readEnvConfig(await put('agent.env', text), AgentEnv))).toContain(message);
  });

  test.each([
    ['OLLAMA_BASE_URL', 'http://x/api', 'OLLAMA_BASE_URL: scheme, host and port only, such as http://mac-studio:11434'],
    ['MATRIX_HOMESERVER', 'http://u:p@x', 'MATRIX_HOMESERVER: scheme, host and port only'],
    ['MATRIX_CLIENT_URL', 'phone', 'MATRIX_CLIENT_URL: Invalid URL'],
    ['ALLOWED_ADDRESSES', '10.0.0.1,mac-studio', 'ALLOWED_ADDRESSES.1: addresses or subnets, separated by commas'],
  ])('a wrong %s is named', async (key, value, message) => {
    expect(await failure(readEnvConfig(await put('hosts.env', `# mine\n${key}=${value}\n`), HostsEnv))).toContain(
      `hosts.env:2: ${message}`,
    );
  });

  test('all that is wrong is told together', async () => {
    const message = await failure(
      readEnvConfig(await put('hosts.env', 'A=1\nOLLAMA_BASE_URL=ftp://x\nB=2\n'), HostsEnv),
    );
    expect(message.split('\n').map((line) => line.split(':')[1])).toEqual(['1', '2', '3']);
  });
});

test('an environment is looked at by its prefix only, and within it nothing unknown is let pass', () => {
  const schema = z.strictObject({ X_PORT: z.string().default('80'), X_NAME: z.string().optional() });
  expect(readEnvironment({ X_PORT: '1', PATH: '/bin', XX: '1' }, 'X_', schema)).toEqual({ X_PORT: '1' });
  expect(readEnvironment({ X_PORT: '' }, 'X_', schema)).toEqual({ X_PORT: '80' });
  expect(() => readEnvironment({ X_PRT: '1' }, 'X_', schema)).toThrow('unknown setting X_PRT; allowed: X_PORT, X_NAME');
});
