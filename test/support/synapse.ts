import { createHmac } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureSynapseSecrets } from '@countersign/init/src/synapse-secrets.ts';
import { execa } from 'execa';
import { GenericContainer } from 'testcontainers';
import { z } from 'zod';
import { freePort } from './free-port.ts';
import { docker } from './launcher-fixture.ts';
import { MatrixHttp, type Session } from './matrix-http.ts';

// The library would start a container of its own to clean up, from an image that is not here; the label does that instead.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] = '127.0.0.1';

export const synapseImage = `countersign/synapse:${process.env['COUNTERSIGN_TAG'] ?? 'local'}`;
const label = 'countersign.test-synapse';
/** Compose labels the images that it builds; a container must not pass for one of the project that built its image. */
const ofNoProject = { 'com.docker.compose.project': '', 'com.docker.compose.service': '' };
const readyLimitMs = 60_000;
const often = { per_second: 1_000, burst_count: 10_000 };

/** Tests log in, invite and make rooms more often than a person does. */
const usualSettings = {
  bcrypt_rounds: 4,
  rc_login: { address: often, account: often, failed_attempts: often },
  rc_joins: { local: often },
  rc_invites: { per_room: often, per_user: often, per_issuer: often },
  rc_room_creation: often,
  // The shipped rule knows the one alias that `enrol` makes.
  alias_creation_rules: [{ user_id: '*', alias: '*', room_id: '*', action: 'allow' }],
};

export type SynapseOptions = {
  /** Further settings of Synapse; each key replaces the whole one of the image's homeserver.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** True: nothing but the image's own settings, and `settings`. */
  readonly asShipped?: boolean;
  /** The host's address that the port is published on. */
  readonly publishOn?: string;
};

class SynapseContainer extends GenericContainer {
  constructor(folder: string, user: string, publishOn: string, port: number) {
    super(synapseImage);
    this.hostConfig = {
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Init: true,
      // For a server of the test's own that Synapse is to call.
      ExtraHosts: ['host.docker.internal:host-gateway'],
      Memory: 1024 ** 3,
      PidsLimit: 256,
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,noexec,size=64m' },
      // A port of its own choice would be another one after each start.
      PortBindings: { '8008/tcp': [{ HostIp: publishOn, HostPort: String(port) }] },
    };
    this.createOpts = { ...this.createOpts, ExposedPorts: { '8008/tcp': {} } };
    this.withUser(user)
      .withCommand(['--config-path', '/extra/settings.yaml'])
      .withBindMounts([
        { source: join(folder, 'data'), target: '/data' },
        { source: join(folder, 'extra'), target: '/extra', mode: 'ro' },
        { source: join(folder, 'secrets/synapse'), target: '/secrets', mode: 'ro' },
      ]);
  }
}

/** A real Synapse of the stack's own image, hardened as in the stack, with secrets and data of its own. */
export class Synapse extends MatrixHttp implements AsyncDisposable {
  readonly serverName: string;
  readonly port: number;
  readonly containerId: string;
  /** Holds `secrets/synapse`, `secrets/enrol` with its registration secret, and `data`. */
  readonly folder: string;

  private constructor(address: string, port: number, containerId: string, folder: string, serverName: string) {
    super(`http://${address}:${port}`);
    this.serverName = serverName;
    this.port = port;
    this.containerId = containerId;
    this.folder = folder;
  }

  /**
   * Starts one and waits until it answers. What a crashed run left under the same name is removed.
   * @param name tells the Synapses of two test files apart
   */
  static async start(name: string, options: SynapseOptions = {}): Promise<Synapse> {
    await removeLabelled(name);
    const folder = await mkdtemp(join(tmpdir(), `countersign-synapse-${name}-`));
    const publishOn = options.publishOn ?? '127.0.0.1';
    const [user, port] = [await prepare(folder, options), await freePort(publishOn)];
    const container = new SynapseContainer(folder, user, publishOn, port).withLabels({ [label]: name, ...ofNoProject });
    const serverName = String(options.settings?.['server_name'] ?? 'countersign.local');
    const synapse = new Synapse(publishOn, port, (await container.start()).getId(), folder, serverName);
    await synapse.#answers();
    return synapse;
  }

  /** Makes a user with the registration secret, as `enrol` does. The session that comes with it is open. */
  async registerUser(name: string, password = `${name}-password`): Promise<Session & { readonly password: string }> {
    const path = '/_synapse/admin/v1/register';
    const { nonce } = await this.api('GET', path);
    const secret = (await readFile(join(this.folder, 'secrets/synapse/registration.secret'), 'utf8')).trim();
    const mac = createHmac('sha1', secret).update([nonce, name, password, 'notadmin'].join('\0')).digest('hex');
    await this.api('POST', path, null, { nonce, username: name, password, admin: false, mac, inhibit_login: true });
    return { ...(await this.login(name, password)), password };
  }

  /** A private, unencrypted room of `creator`'s, with the others in it. */
  async makeRoom(creator: Session, others: readonly Session[], content: object = {}): Promise<string> {
    const invite = others.map(({ user }) => user);
    const made = await this.api('POST', '/createRoom', creator.token, { preset: 'private_chat', invite, ...content });
    const room = z.string().parse(made['room_id']);
    for (const { token } of others) await this.api('POST', `/rooms/${encodeURIComponent(room)}/join`, token, {});
    return room;
  }

  /** Ends it as `docker stop` does. */
  async stop(): Promise<void> {
    await docker('stop', '--time', '20', this.containerId);
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await docker('kill', this.containerId);
  }

  /** Starts it again on the same port with the same data. */
  async start(): Promise<void> {
    await docker('start', this.containerId);
    await this.#answers();
  }

  /** All that it has printed. */
  async logs(): Promise<string> {
    return (await execa('docker', ['logs', this.containerId], { all: true })).all;
  }

  async #answers(): Promise<void> {
    const end = Date.now() + readyLimitMs;
    while (
      !(await fetch(`${this.url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (Date.now() > end) throw new Error(`Synapse does not answer at ${this.url}`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker('rm', '--force', '--volumes', this.containerId);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Folders, secrets and settings; the user that they belong to, as `uid:gid`. */
async function prepare(folder: string, { settings = {}, asShipped = false }: SynapseOptions): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  const owner = { uid: isRoot ? 10_001 : (process.getuid?.() ?? 0), gid: isRoot ? 10_001 : (process.getgid?.() ?? 0) };
  await chmod(folder, 0o755);
  for (const name of ['data', 'extra', 'secrets', 'secrets/synapse', 'secrets/enrol'])
    await mkdir(join(folder, name), { mode: 0o755 });
  await ensureSynapseSecrets(join(folder, 'secrets'), owner, () => undefined);
  await chown(join(folder, 'data'), owner.uid, owner.gid);
  const all = { ...(asShipped ? {} : usualSettings), ...settings };
  // JSON is YAML.
  await writeFile(join(folder, 'extra/settings.yaml'), JSON.stringify(all), { mode: 0o644 });
  return `${owner.uid}:${owner.gid}`;
}

async function removeLabelled(name: string): Promise<void> {
  const left = await docker('ps', '-aq', '--filter', `label=${label}=${name}`);
  if (left !== '') await docker('rm', '-f', '-v', ...left.split('\n'));
}
