import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, isSignatureGood } from '@countersign/contracts/command.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { ListenerState } from '@countersign/matrix-listener/src/state/listener-state.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { ServiceProcess } from './listener-process.ts';

export const operatorId = '@operator:countersign.local';

const Compose = z.object({
  services: z.object({ 'matrix-listener': z.object({ environment: z.record(z.string(), z.string()) }) }),
});
const composeFile = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));
const shippedAgentEnv = fileURLToPath(new URL('../../configs/agent.env', import.meta.url));

/** Whom the listener speaks as, and where. */
export type Bot = { readonly user: string; readonly token: string; readonly room: string };

/** A file of the spool. */
export type Spooled = { readonly path: string; readonly command: Command };

/** Folders as the stack mounts them, and in them the two services that a message passes through: the gateway and the listener. */
export class ListenerHome implements AsyncDisposable {
  readonly folder: string;
  readonly gateway: ServiceProcess;
  readonly listener: ServiceProcess;
  readonly #publicKey: KeyObject;

  /** @param environment what the stack gives the listener */
  private constructor(folder: string, publicKey: KeyObject, environment: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#publicKey = publicKey;
    this.gateway = new ServiceProcess('gateway', this.path('logs/gateway'), {
      GATEWAY_CONFIGS: this.path('configs'),
      GATEWAY_SLOTS: this.path('slots'),
      GATEWAY_SOCKET: this.path('gateway.sock'),
      GATEWAY_LOGS: this.path('logs/gateway'),
      GATEWAY_MATRIX_DOOR: this.path('door/synapse.sock'),
      GATEWAY_STACK_MODEL_URL: 'http://127.0.0.1:9',
      GATEWAY_ALLOW_LOOPBACK_UPSTREAM: '1',
    });
    this.listener = new ServiceProcess('matrix-listener', this.path('logs/listener'), {
      LISTENER_VOLUMES: this.path('volumes'),
      LISTENER_CONFIGS: this.path('configs'),
      LISTENER_SECRETS: this.path('secrets'),
      LISTENER_SPOOL: this.path('spool'),
      LISTENER_STATE: this.path('state'),
      LISTENER_LOGS: this.path('logs/listener'),
      LISTENER_DOOR: this.path('door/synapse.sock'),
      LISTENER_LOG_LEVEL: 'debug',
      ...environment,
    });
  }

  static async make(): Promise<ListenerHome> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-listener-'));
    const { privateKey } = generateKeyPairSync('ed25519');
    const compose = Compose.parse(parse(await readFile(composeFile, 'utf8'), { merge: true }));
    const { environment } = compose.services['matrix-listener'];
    const home = new ListenerHome(folder, createPublicKey(privateKey), environment);
    const folders = [
      'volumes/runs',
      'configs',
      'secrets',
      'spool',
      'state',
      'slots',
      'door',
      'logs/gateway',
      'logs/listener',
    ];
    for (const name of folders) await mkdir(home.path(name), { recursive: true });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
    await writeFile(home.path('secrets/signing.key.pem'), pem, { mode: 0o600 });
    await copyFile(shippedAgentEnv, home.path('configs/agent.env'));
    await writeFile(home.path('configs/stages.yaml'), stagesText);
    return home;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /**
   * @param origin scheme, host and port of the homeserver as the gateway sees it
   * @param allowed addresses outside of the tailnet that it may have
   */
  async writeHosts(origin: string, allowed = ''): Promise<void> {
    await writeFile(this.path('configs/hosts.env'), `MATRIX_HOMESERVER=${origin}\nALLOWED_ADDRESSES=${allowed}\n`);
  }

  async writeBot({ user, token, room }: Bot): Promise<void> {
    const text = `MATRIX_BOT_USER=${user}\nMATRIX_BOT_TOKEN=${token}\nMATRIX_ROOM_ID=${room}\n`;
    await writeFileAtomic(this.path('secrets/matrix-bot.env'), text, 0o600);
  }

  /** What is in the spool, oldest name first. @throws Error for a file that is no command, or not signed with the listener's key */
  async spooled(): Promise<Spooled[]> {
    const names = (await readdir(this.path('spool'))).filter((name) => !name.startsWith('.')).sort();
    const found = await Promise.all(names.map((name) => this.#readCommand(this.path(`spool/${name}`))));
    return found.filter((spooled) => spooled !== null);
  }

  async #readCommand(path: string): Promise<Spooled | null> {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) return null;
    const command = Command.parse(JSON.parse(text));
    if (!isSignatureGood(command, this.#publicKey)) throw new Error(`${path} is not signed with the listener's key`);
    return { path, command };
  }

  /** What the listener has kept; null before it has kept anything. */
  async kept(): Promise<ListenerState | null> {
    const text = await readFile(this.path('state/state.json'), 'utf8').catch(() => null);
    return text === null ? null : ListenerState.parse(JSON.parse(text));
  }

  /** Every word that the two services have left behind: logs, health, and what they printed. */
  async said(): Promise<string> {
    const texts = [this.gateway.printed, this.listener.printed];
    for (const folder of ['logs/gateway', 'logs/listener'])
      for (const name of await readdir(this.path(folder)))
        texts.push(await readFile(this.path(`${folder}/${name}`), 'utf8'));
    return texts.join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    await this.gateway[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const stagesText = `version: 1
stages:
${['dev', 'staging', 'prod']
  .map(
    (stage) => `  ${stage}:
    gate: approval
    sandbox_profile: default
    approval_hours: 72
    decide:
      - channel: shell
${stage === 'prod' ? '' : `      - channel: matrix\n        persons: ['${operatorId}']\n`}`,
  )
  .join('')}`;
