import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { MatrixBotEnv } from '@countersign/contracts/config/matrix.ts';
import { execa } from 'execa';
import { z } from 'zod';
import type { ListenerStage } from './listener-stage.ts';
import { root } from './stack.ts';

const Rotated = z.strictObject({ bot: z.string(), listener: z.string(), sessions_ended: z.number() });
const limitMs = 100_000;

/** `rotate-bot-token` as the process that it is in its container, over a stage's homeserver and listener. */
export class TokenRotation {
  readonly #stage: ListenerStage;
  /** Everything that was printed. */
  printed = '';

  private constructor(stage: ListenerStage) {
    this.#stage = stage;
  }

  /** @param password of the bot, as enrol has written it down */
  static async over(stage: ListenerStage, password: string): Promise<TokenRotation> {
    await mkdir(stage.home.path('secrets-enrol'));
    await writeFile(stage.home.path('secrets-enrol/bot.password'), `${password}\n`);
    return new TokenRotation(stage);
  }

  /** @param change to where it finds things */
  start(args: readonly string[] = [], input = '', change: Readonly<Record<string, string>> = {}) {
    const { home, synapse } = this.#stage;
    return execa(process.execPath, [`${root}/services/enrol/src/rotate-main.ts`, '--json', ...args], {
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_NO_WARNINGS: '1',
        ROTATE_HOMESERVER: synapse.url,
        ROTATE_DOOR: home.path('door/synapse.sock'),
        ROTATE_SECRETS: home.path('secrets-enrol'),
        ROTATE_LISTENER_SECRETS: home.path('secrets'),
        ROTATE_LISTENER_LOGS: home.path('logs/listener'),
        ...change,
      },
      extendEnv: false,
      reject: false,
      input,
      timeout: limitMs,
    });
  }

  async run(args: readonly string[] = [], input = '', change: Readonly<Record<string, string>> = {}) {
    const { exitCode, stdout, stderr } = await this.start(args, input, change);
    this.printed += stdout + stderr;
    return { exitCode, stdout, stderr };
  }

  /** A run that has to work. @throws Error with what it said */
  async mustRun(args: readonly string[] = [], input = ''): Promise<z.infer<typeof Rotated>> {
    const { exitCode, stdout, stderr } = await this.run(args, input);
    if (exitCode !== 0) throw new Error(stderr);
    return Rotated.parse(JSON.parse(stdout));
  }

  /** The token in the listener's file. */
  async token(): Promise<string> {
    const text = await readFile(this.#stage.home.path('secrets/matrix-bot.env'), 'utf8');
    return MatrixBotEnv.parse(parseEnv(text)).MATRIX_BOT_TOKEN;
  }

  /** Whether the homeserver takes a token. */
  async counts(token: string): Promise<boolean> {
    return (await this.#stage.synapse.request('GET', '/account/whoami', token)).status === 200;
  }

  /** How many sessions the bot has. */
  async sessions(): Promise<number> {
    const { devices } = await this.#stage.synapse.api('GET', '/devices', await this.token());
    return z.array(z.unknown()).parse(devices).length;
  }
}
