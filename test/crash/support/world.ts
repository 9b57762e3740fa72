import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { House } from './house.ts';
import { interpose } from './interpose.ts';
import { type Fates, Life } from './life.ts';
import { endsNow, live } from './live.ts';
import type { Point } from './points.ts';
import { PowerCut } from './power-cut.ts';
import type { ProcessLife } from './process-life.ts';
import { keyOf, type Step } from './step.ts';
import { Surroundings } from './surroundings.ts';

/** How a runner ended: it was asked to, it died, or it could not go on. */
export type End = { readonly how: 'stopped' | 'dead' | 'failed'; readonly where: string };

/** A runner that lives now. */
export type Running = {
  /** Known of those in this process. */
  readonly steps: readonly Step[];
  readonly ended: Promise<End>;
  stop(): Promise<End>;
  /** After its end: resolves when nothing of it is left. */
  bury(): Promise<void>;
};

/** Begins a runner in a world. */
export type Start = (world: World) => Promise<Running>;

/** A house, what is around it, and one runner after the other. */
export class World {
  readonly house: House;
  readonly surroundings: Surroundings;
  /** Told of files that people put into the queue. */
  onPut: (path: string) => void = () => undefined;
  #lives = 0;

  constructor(house: House) {
    this.house = house;
    this.surroundings = new Surroundings(house.folder, house.scripts);
  }

  /** The next runner's configuration, with sockets of its own. */
  async configure(): Promise<ProcessLife['config']> {
    this.#lives += 1;
    return this.house.config(await this.surroundings.answer(this.#lives));
  }

  async close(): Promise<void> {
    await this.surroundings.close();
    this.house.remove();
  }
}

/** Hears what is safe, and takes the rest away. */
type Power = {
  readonly disk: Pick<PowerCut, 'synced' | 'renamed' | 'put'>;
  fail(): void;
};

/** The machine loses power when the runner dies. @param chance as of `PowerCut.cut` */
export function losePower(fates: Fates, chance: (() => number) | null): Start {
  return inProcess(fates, ({ house: { layout } }) => {
    const disk = new PowerCut(['inbox', 'outbox', 'runs'].map((name) => join(layout.home, name)));
    return { disk, fail: () => disk.cut(chance) };
  });
}

/**
 * A runner in this process.
 * @param power what its end does to the disk; by default nothing
 */
export function inProcess(fates?: Fates, power?: (world: World) => Power): Start {
  return async (world) => {
    await interpose();
    const config = await world.configure();
    const leaving = new AbortController();
    const leave = () => leaving.abort(new Error('stopped'));
    const life = new Life(world.house.folder, (step) => {
      const fate = fates?.(step) ?? null;
      if (fate?.kind === 'stop') leave();
      return fate;
    });
    const supply = power?.(world);
    if (supply !== undefined) {
      life.onSynced = (path) => supply.disk.synced(path);
      life.onRenamed = (from, to) => supply.disk.renamed(from, to);
    }
    world.onPut = (path) => supply?.disk.put(path);
    const lived = life.live(() => live(config, leaving.signal));
    const ended = Promise.race([
      life.death.then((step): End => ({ how: 'dead', where: keyOf(step) })),
      lived.then(
        (): End => ({ how: 'stopped', where: '' }),
        (error: unknown): End => ({ how: 'failed', where: String(error) }),
      ),
    ]);
    const stop = () => {
      leave();
      return ended;
    };
    const bury = async () => {
      // One that failed ends its process.
      life.die({ name: 'exit', path: '', ordinal: 1, changes: false });
      await life.buried();
      supply?.fail();
    };
    return { steps: life.steps, ended, stop, bury };
  };
}

/** A runner in a process of its own. */
export function asProcess(point: Point, end: ProcessLife['end']): Start {
  return async (world) => {
    const asked: ProcessLife = { config: await world.configure(), ground: world.house.folder, point, end };
    const program = join(import.meta.dirname, 'process-life.ts');
    // A group of its own: what git started dies with it.
    const child = spawn('node', [program, JSON.stringify(asked)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    let isTold = false;
    const tell = () => {
      if (!isTold) child.kill('SIGTERM');
      isTold = true;
    };
    // It may be dead before it is told to go on.
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString();
      if (!said.includes(endsNow)) return;
      if (end === 'SIGTERM') tell();
      child.stdin.end('\n');
    });
    const ended = once(child, 'close').then(([code, signal]: unknown[]): End => {
      if (signal === 'SIGKILL') return { how: 'dead', where: 'by SIGKILL' };
      return code === 0
        ? { how: 'stopped', where: '' }
        : { how: 'failed', where: `exit code ${String(code)}: ${said}` };
    });
    const stop = () => {
      tell();
      return ended;
    };
    return { steps: [], ended, stop, bury: () => Promise.resolve() };
  };
}
