import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { MatrixBotEnv, MatrixOperatorEnv } from '@countersign/contracts/config/matrix.ts';
import { execa } from 'execa';
import { CutRelay } from './cut-relay.ts';
import { root } from './stack.ts';
import { Synapse } from './synapse.ts';

export const operatorUser = '@operator:countersign.local';
export const botUser = '@agentbot:countersign.local';
export const clientUrl = 'http://127.0.0.1:8008';
const alias = encodeURIComponent('#countersign:countersign.local');

/** A real Synapse, and `enrol` as the process that it is in its container, with a relay between the two. */
export class EnrolGround implements AsyncDisposable {
  readonly synapse: Synapse;
  readonly relay: CutRelay;
  readonly secrets: string;
  readonly listenerSecrets: string;
  readonly #empty: string;

  private constructor(synapse: Synapse, relay: CutRelay) {
    this.synapse = synapse;
    this.relay = relay;
    this.secrets = join(synapse.folder, 'secrets/enrol');
    this.listenerSecrets = join(synapse.folder, 'secrets/matrix-listener');
    this.#empty = join(synapse.folder, 'empty');
  }

  static async start(name: string): Promise<EnrolGround> {
    const synapse = await Synapse.start(name);
    const ground = new EnrolGround(synapse, await CutRelay.start(synapse.url));
    await mkdir(ground.listenerSecrets);
    await synapse.stop();
    await cp(join(synapse.folder, 'data'), ground.#empty, { recursive: true, preserveTimestamps: true });
    await ground.#giveBack();
    await synapse.start();
    return ground;
  }

  /** As it was before the first run: no users, no room, no files. */
  async reset(): Promise<void> {
    await this.synapse.kill();
    const data = join(this.synapse.folder, 'data');
    for (const name of await readdir(data)) await rm(join(data, name), { recursive: true });
    await cp(this.#empty, data, { recursive: true });
    await this.#giveBack();
    for (const name of ['bot.password', 'operator.env', 'quiet-files.room'])
      await rm(join(this.secrets, name), { force: true });
    await rm(join(this.listenerSecrets, 'matrix-bot.env'), { force: true });
    await this.synapse.start();
  }

  async #giveBack(): Promise<void> {
    if (process.getuid?.() === 0) await execa('chown', ['-R', '10001:10001', join(this.synapse.folder, 'data')]);
  }

  start(change: Readonly<Record<string, string>> = {}) {
    return execa(process.execPath, [join(root, 'services/enrol/src/main.ts')], {
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_NO_WARNINGS: '1',
        ENROL_HOMESERVER: this.relay.url,
        ENROL_CLIENT_URL: clientUrl,
        ENROL_SECRETS: this.secrets,
        ENROL_LISTENER_SECRETS: this.listenerSecrets,
        ...change,
      },
      extendEnv: false,
      reject: false,
      all: true,
    });
  }

  /** One run to its end, with the requests that it made. */
  async run(change: Readonly<Record<string, string>> = {}) {
    this.relay.restart();
    const { exitCode, all } = await this.start(change);
    return { exitCode, output: all, requests: [...this.relay.seen] };
  }

  /** A run that has to work. @throws Error with what it said */
  async mustRun() {
    const run = await this.run();
    if (run.exitCode !== 0) throw new Error(`enrol failed: ${run.output}`);
    return run;
  }

  async operator(): Promise<MatrixOperatorEnv> {
    return MatrixOperatorEnv.parse(parseEnv(await readFile(join(this.secrets, 'operator.env'), 'utf8')));
  }

  async bot(): Promise<MatrixBotEnv> {
    return MatrixBotEnv.parse(parseEnv(await readFile(join(this.listenerSecrets, 'matrix-bot.env'), 'utf8')));
  }

  /** The operator at a client of his own. */
  async client() {
    const { MATRIX_PASSWORD } = await this.operator();
    return await this.synapse.login(operatorUser, MATRIX_PASSWORD);
  }

  /** Everything that has to be so after any run that worked; the room. @throws Error for what is not */
  async stands(): Promise<string> {
    const [operator, bot] = [await this.operator(), await this.bot()];
    const room = bot.MATRIX_ROOM_ID;
    const path = `/rooms/${encodeURIComponent(room)}/joined_members`;
    const { joined } = await this.synapse.api('GET', path, bot.MATRIX_BOT_TOKEN);
    const { user_id } = await this.synapse.api('GET', '/account/whoami', bot.MATRIX_BOT_TOKEN);
    const named = await this.synapse.api('GET', `/directory/room/${alias}`, bot.MATRIX_BOT_TOKEN);
    const session = await this.client();
    const { devices } = await this.synapse.api('GET', '/devices', session.token);
    const seen = {
      bot: user_id,
      members: Object.keys(joined as object).sort(),
      rooms: [operator.MATRIX_ROOM_ID, named['room_id']],
      // The one of this very check.
      sessions: (devices as unknown[]).length,
    };
    const wanted = { bot: botUser, members: [botUser, operatorUser], rooms: [room, room], sessions: 1 };
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(seen)} for ${room}`);
    await this.synapse.api('POST', '/logout', session.token, {});
    return room;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.synapse[Symbol.asyncDispose]();
  }
}
