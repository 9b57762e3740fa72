import { readdir } from 'node:fs/promises';
import type { Sandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { type Gateway, type Launcher, refusalOf } from './clients.ts';
import { Slot } from './slot.ts';

type PoolOptions = {
  readonly slots: string;
  readonly launcher: Launcher;
  readonly gateway: Gateway;
  /** How many idle sandboxes of `warmProfile` to keep. */
  readonly warm: number;
  readonly warmProfile: string;
  readonly logger: Logger;
};

/** No sandbox could be had; `message` says why. */
export class NoSandboxError extends Error {
  readonly code = 'no-sandbox';
}

/**
 * The runner's sandboxes: warm ones that wait, and those in use. A slot serves one task, once; it is destroyed with its sandbox.
 */
export class SandboxPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #idle: Slot[] = [];
  readonly #used = new Map<SlotId, Slot>();
  #filling = false;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** A sandbox for one task: a warm one where there is one, else a new one. @throws NoSandboxError */
  async acquire(profile: string): Promise<Slot> {
    const warm = profile === this.#options.warmProfile ? this.#takeIdle() : undefined;
    if (warm === undefined) return this.#start(profile);
    this.#used.set(warm.id, warm);
    return warm;
  }

  /** Takes over the slot of a task that a runner before us started. */
  async adopt(id: SlotId): Promise<Slot> {
    const slot = await Slot.open(this.#options.slots, id);
    this.#used.set(id, slot);
    await this.#options.gateway.openSlot(id).catch(() => undefined);
    return slot;
  }

  /** Ends the sandbox and its slot. What cannot be reached now is removed by `tidy` later. */
  async release(slot: Slot): Promise<void> {
    this.#used.delete(slot.id);
    await this.#options.gateway.closeSlot(slot.id).catch(() => undefined);
    await this.#options.launcher.remove(slot.id).catch((error: unknown) => {
      this.#options.logger.warn({ slot: slot.id, reason: refusalOf(error) }, 'a sandbox could not be removed now');
    });
    await slot[Symbol.asyncDispose]();
  }

  /** What the launcher has of this stack. @throws ServiceError */
  sandboxes(): Promise<readonly Sandbox[]> {
    return this.#options.launcher.list();
  }

  /** Repeats every slot to the gateway, which may have been restarted, and fills up with warm sandboxes. */
  async maintain(fill: boolean): Promise<void> {
    for (const slot of [...this.#idle, ...this.#used.values()])
      await this.#options.gateway.openSlot(slot.id).catch(() => undefined);
    for (const slot of this.#idle.filter((candidate) => !candidate.isGreeted)) {
      this.#idle.splice(this.#idle.indexOf(slot), 1);
      await this.release(slot);
    }
    if (!fill || this.#filling || this.#closed) return;
    this.#filling = true;
    try {
      while (this.#idle.length < this.#options.warm && !this.#closed)
        this.#idle.push(await this.#start(this.#options.warmProfile));
    } catch (error) {
      this.#options.logger.warn({ reason: refusalOf(error) }, 'no warm sandbox could be started');
    } finally {
      this.#filling = false;
    }
  }

  /** Removes every sandbox and slot that no task needs: leftovers of a runner before us. @throws ServiceError */
  async tidy(): Promise<number> {
    const known = new Set([...this.#idle, ...this.#used.values()].map((slot) => slot.id));
    let removed = 0;
    for (const sandbox of await this.#options.launcher.list()) {
      if (known.has(sandbox.id)) continue;
      await this.#options.launcher.remove(sandbox.id);
      removed += 1;
    }
    for (const name of await readdir(this.#options.slots)) {
      if (!SlotId.safeParse(name).success || known.has(name)) continue;
      const leftover = await Slot.open(this.#options.slots, name);
      await leftover[Symbol.asyncDispose]();
    }
    return removed;
  }

  #takeIdle(): Slot | undefined {
    const index = this.#idle.findIndex((slot) => slot.isGreeted);
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0];
  }

  async #start(profile: string): Promise<Slot> {
    const slot = await Slot.open(this.#options.slots);
    // Known from here on, so that `tidy` leaves it alone.
    this.#used.set(slot.id, slot);
    try {
      await this.#options.gateway.openSlot(slot.id);
      await this.#options.launcher.start(profile, slot.id);
      await slot.greeted();
      return slot;
    } catch (error) {
      await this.release(slot);
      throw new NoSandboxError(refusalOf(error), { cause: error });
    }
  }

  /** Leaves sandboxes in use to the next runner; ends the idle ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map((slot) => this.release(slot)));
    await Promise.all([...this.#used.values()].map((slot) => slot.leave()));
  }
}
