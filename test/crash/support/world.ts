import { createLogger } from '@countersign/kit/logger.ts';
import { runRunner } from '../../../services/runner/src/create-runner.ts';
import type { Paces } from '../../../services/runner/src/paces.ts';
import type { House } from './house.ts';
import { interpose } from './interpose.ts';
import { type Fates, Life } from './life.ts';
import { Surroundings } from './surroundings.ts';

/** As quick as it goes without turning in circles. */
export const quickPaces: Paces = {
  turnMs: 10,
  upkeepMs: 20,
  settleMs: 0,
  finishRetryMs: 20,
  sandboxRetryMs: 20,
  lostCheckMs: 20,
  collectMs: 200,
  memoryRetryMs: 20,
  memoryLockMs: 0,
};

/** Watching is only a hint; with turns as quick as these nobody needs it. */
const watch = () => ({ [Symbol.asyncDispose]: () => Promise.resolve() });

/** A runner that lives now. */
export type Running = {
  readonly life: Life;
  /** Resolves when it has stopped, failed or died. */
  readonly ended: Promise<'stopped' | 'dead' | Error>;
  stop(): Promise<'stopped' | 'dead' | Error>;
  /** After its end: resolves when nothing of it is left. */
  bury(): Promise<void>;
};

/** A house, what is around it, and one runner after the other. */
export class World {
  readonly house: House;
  readonly surroundings: Surroundings;
  #lives = 0;

  constructor(house: House) {
    this.house = house;
    this.surroundings = new Surroundings(house.folder, house.scripts);
  }

  async begin(fates?: Fates): Promise<Running> {
    await interpose();
    this.#lives += 1;
    const config = this.house.config(await this.surroundings.answer(this.#lives));
    const life = new Life(this.house.folder, fates);
    const leaving = new AbortController();
    const lived = life.live(() => runRunner(config, createLogger('runner', 'silent'), leaving.signal, { paces: quickPaces, watch }));
    const ended = Promise.race([
      life.death.then(() => 'dead' as const),
      lived.then(
        () => 'stopped' as const,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      ),
    ]);
    const stop = () => {
      leaving.abort(new Error('stopped'));
      return ended;
    };
    const bury = async () => {
      // One that failed ends its process.
      life.die({ name: 'exit', path: '', ordinal: 1, changes: false });
      await life.buried();
    };
    return { life, ended, stop, bury };
  }

  async close(): Promise<void> {
    await this.surroundings.close();
    this.house.remove();
  }
}
