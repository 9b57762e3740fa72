import { mkdtempSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { MatrixBotEnv } from '@countersign/contracts/config/matrix.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { writtenAt } from '@countersign/kit/written-at.ts';
import { botUser } from '../names.ts';
import { rotate } from '../rotate.ts';
import type { RotateConfig } from '../rotate-config.ts';
import type { WriteFile } from '../secret-files.ts';
import { BotAccount } from './bot-account.ts';

export const room = '!room:countersign.local';

/** Folders as the rotation has them mounted, a homeserver, and a listener that takes up what its file holds. */
export class RotationGround implements AsyncDisposable {
  readonly account: BotAccount;
  readonly config: RotateConfig;
  readonly said: string[] = [];
  readonly first: string;
  /** Whether the listener takes up what is new. */
  isPrompt = true;
  readonly #folder: string;
  #listens = false;
  #listener: Promise<void> = Promise.resolve();

  private constructor(account: BotAccount, folder: string, first: string) {
    this.account = account;
    this.#folder = folder;
    this.first = first;
    this.config = {
      homeserver: account.url,
      door: join(folder, 'door.sock'),
      secrets: join(folder, 'enrol'),
      listenerSecrets: join(folder, 'listener'),
      listenerLogs: join(folder, 'logs'),
    };
  }

  static async make(user: string = botUser): Promise<RotationGround> {
    const folder = mkdtempSync(join(tmpdir(), 'rotation-'));
    const account = await BotAccount.start(join(folder, 'door.sock'));
    const ground = new RotationGround(account, folder, account.logIn(user));
    for (const name of ['enrol', 'listener', 'logs']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'enrol/bot.password'), `${account.password}\n`);
    await ground.writeBot(ground.first, user);
    return ground;
  }

  async writeBot(token: string, user: string = botUser): Promise<void> {
    const text = `MATRIX_BOT_USER=${user}\nMATRIX_BOT_TOKEN=${token}\nMATRIX_ROOM_ID=${room}\n`;
    // Whoever reads it meanwhile reads the one before or this one.
    await writeFileAtomic(this.#botPath, text);
  }

  get bot(): MatrixBotEnv {
    return MatrixBotEnv.parse(parseEnv(readFileSync(this.#botPath, 'utf8')));
  }

  get #botPath(): string {
    return join(this.config.listenerSecrets, 'matrix-bot.env');
  }

  /** What is left of `secrets/enrol` beside what was there before. */
  async left(): Promise<string[]> {
    return (await readdir(this.config.secrets)).filter((name) => name !== 'bot.password' && name !== 'rotation.lock');
  }

  /** A listener that looks at its file; it notes for each look whether the homeserver would take its token. */
  listen(seen: boolean[] = []): void {
    this.#listens = true;
    const health = new HealthFile(this.config.listenerLogs, 'matrix-listener');
    this.#listener = (async () => {
      let access = await writtenAt(this.#botPath);
      while (this.#listens) {
        if (this.isPrompt) access = await writtenAt(this.#botPath);
        seen.push(this.account.sessions.has(this.bot.MATRIX_BOT_TOKEN));
        await health.beat('waiting', 'the gateway does not answer', access);
        await sleep(5);
      }
    })();
  }

  async rotate(given: string | null = null, isPatient = true, write?: WriteFile) {
    return await rotate(this.config, given, isPatient, (line) => void this.said.push(line), write);
  }

  async stopListening(): Promise<void> {
    this.#listens = false;
    await this.#listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopListening();
    await this.account[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
