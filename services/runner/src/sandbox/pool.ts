import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Slot as Reading } from '@countersign/contracts/gateway-api.ts';
import type { Profile, Sandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { type Gateway, type Launcher, refusalOf } from './clients.ts';
import { makeModelSlot, removeModelSlot } from './model-slot.ts';
import { Rooms } from './rooms.ts';
import { newSlotId, Slot } from './slot.ts';
import { type ModelBudget, SlotMeter } from './slot-meter.ts';

type PoolOptions = {
  readonly slots: string;
  /** Where the gateway listens for sandboxes; the gateway writes there too. */
  readonly modelSlots: string;
  readonly launcher: Launcher;
  readonly gateway: Gateway;
  /** How many idle sandboxes to keep. */
  readonly warm: number;
  readonly logger: Logger;
};

/** No sandbox could be had; `message` says why. */
export class NoSandboxError extends Error {
  readonly code = 'no-sandbox';
}

/**
 * The runner's sandboxes: warm ones that wait, and those in use. A slot serves one task, once; it is destroyed with its sandbox.
 * Invariant: an id is in `known` before anything of it exists, and until all of it is gone; `tidy` removes what is not.
 */
export class SandboxPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #known = new Set<SlotId>();
  readonly #idle: Slot[] = [];
  readonly #used = new Set<Slot>();
  /** What each was made from; a task gets a sandbox of exactly the make that its approval names. */
  readonly #madeAs = new WeakMap<Slot, string>();
  /** Those that no way to the model is opened for. */
  readonly #withoutModel = new Set<SlotId>();
  /** Of the slots that a task has and that lead to a model. */
  readonly #meters = new Map<SlotId, SlotMeter>();
  /** Of the slots whose tool can ask something, or is told that it cannot. */
  readonly rooms: Rooms;
  /** Sandboxes that the launcher did not remove when it was asked to. */
  readonly #leftovers = new Set<SlotId>();
  readonly #closed = new AbortController();
  #filling: Promise<void> | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.rooms = new Rooms(options.gateway);
  }

  /**
   * A sandbox for one task: a warm one where there is one, else a new one.
   * @param budget of the model; the gateway has it before the task begins
   * @throws NoSandboxError
   */
  async acquire(profile: Profile, workspace: string | null = null, budget: ModelBudget = noBudget): Promise<Slot> {
    const slot = this.#takeIdle(profile) ?? (await this.#start(profile, workspace, 'with-model'));
    this.#used.add(slot);
    this.#meters.set(slot.id, new SlotMeter(budget));
    try {
      await this.#tellGateway(slot.id);
      return slot;
    } catch (error) {
      await this.release(slot);
      throw new NoSandboxError(`the gateway was not told its budget: ${refusalOf(error)}`, { cause: error });
    }
  }

  /** A new sandbox that never had a way to the model, for what must not depend on one. @throws NoSandboxError */
  async acquireWithoutModel(profile: Profile, workspace: string | null = null): Promise<Slot> {
    const slot = await this.#start(profile, workspace, 'without-model');
    this.#used.add(slot);
    return slot;
  }

  /** Takes over the slot of a task that a runner before us started. A gateway that is away hears of it when it is back. */
  async adopt(id: SlotId, budget: ModelBudget = noBudget): Promise<Slot> {
    this.#known.add(id);
    const slot = await Slot.open(this.#options.slots, id);
    this.#used.add(slot);
    this.#meters.set(id, new SlotMeter(budget));
    await this.#openModel(id).catch(() => undefined);
    return slot;
  }

  /** What tells of a slot's use of the model while a task has it; null where it leads to none. */
  meter(slot: Slot): SlotMeter | null {
    return this.#meters.get(slot.id) ?? null;
  }

  /** Asks the gateway what a slot has used by now. What was heard last where it does not say; null where it never did. */
  async metered(slot: Slot): Promise<Reading | null> {
    const meter = this.meter(slot);
    if (meter === null) return null;
    const reading = await this.#options.gateway.slot(slot.id).catch(() => null);
    if (reading !== null) meter.take(reading);
    return meter.last;
  }

  /** Ends the sandbox and its slot. What cannot be removed now is tried again by `maintain`. */
  async release(slot: Slot): Promise<void> {
    this.#used.delete(slot);
    this.#meters.delete(slot.id);
    this.rooms.close(slot.id);
    await this.#options.gateway.closeSlot(slot.id).catch(() => undefined);
    await this.#remove(slot.id);
    await slot[Symbol.asyncDispose]();
    await this.#removeModelSlot(slot.id);
    this.#withoutModel.delete(slot.id);
    this.#known.delete(slot.id);
  }

  /** What the launcher has of this stack. @throws ServiceError */
  sandboxes(): Promise<readonly Sandbox[]> {
    return this.#options.launcher.list();
  }

  /** Repeats every slot to the gateway, which may have been restarted, and hears what each has used. */
  async repeatSlots(): Promise<void> {
    const slots = [...this.#idle, ...this.#used].filter((slot) => !this.#withoutModel.has(slot.id));
    await Promise.all(slots.map((slot) => this.#tellGateway(slot.id).catch(() => undefined)));
  }

  /** Repeats one slot now, for there is something to tell. What does not get through is told with the next turn of all. */
  repeatSlot(id: SlotId): void {
    if (this.#meters.has(id)) void this.#tellGateway(id).catch(() => undefined);
  }

  /** Removes what is to go, and fills up with warm sandboxes. */
  async maintain(fill: Profile | null): Promise<void> {
    for (const id of this.#leftovers) await this.#remove(id);
    // Neither one that is gone nor one that was made from another image, or by another definition, than tasks would get now.
    const dead = this.#idle.filter(
      (slot) => !slot.isGreeted || (fill !== null && this.#madeAs.get(slot) !== makeOf(fill)),
    );
    for (const slot of dead) this.#idle.splice(this.#idle.indexOf(slot), 1);
    for (const slot of dead) await this.release(slot);
    if (fill === null || this.#filling !== null || this.#closed.signal.aborted) return;
    this.#filling = this.#fill(fill);
    await this.#filling;
    this.#filling = null;
  }

  async #fill(profile: Profile): Promise<void> {
    try {
      while (this.#idle.length < this.#options.warm && !this.#closed.signal.aborted)
        this.#idle.push(await this.#start(profile, null, 'with-model'));
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#options.logger.warn({ reason: refusalOf(error) }, 'no warm sandbox could be started');
    }
  }

  /** Removes every sandbox and slot that no task needs: leftovers of a runner before us. @throws ServiceError */
  async tidy(): Promise<number> {
    let removed = 0;
    for (const sandbox of await this.#options.launcher.list()) {
      if (this.#known.has(sandbox.id)) continue;
      // What cannot be removed now must not keep the others waiting.
      await this.#remove(sandbox.id);
      removed += 1;
    }
    const { slots, modelSlots } = this.#options;
    for (const name of new Set([...(await readdir(slots)), ...(await readdir(modelSlots))])) {
      if (!SlotId.safeParse(name).success || this.#known.has(name)) continue;
      await this.#options.gateway.closeSlot(name).catch(() => undefined);
      await rm(join(slots, name), { recursive: true, force: true });
      await this.#removeModelSlot(name);
    }
    return removed;
  }

  #takeIdle(profile: Profile): Slot | undefined {
    const index = this.#idle.findIndex((slot) => slot.isGreeted && this.#madeAs.get(slot) === makeOf(profile));
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0];
  }

  async #start(profile: Profile, workspace: string | null, way: 'with-model' | 'without-model'): Promise<Slot> {
    const id = newSlotId();
    this.#known.add(id);
    const slot = await Slot.open(this.#options.slots, id);
    try {
      if (way === 'with-model') await this.#openModel(id);
      else {
        // The launcher mounts the folder in any case; in this one nothing listens.
        this.#withoutModel.add(id);
        await makeModelSlot(this.#options.modelSlots, id);
      }
      const { image } = await this.#options.launcher.start(profile.name, id, workspace);
      if (image !== profile.image) throw new Error(`the image of profile ${profile.name} has just changed`);
      this.#madeAs.set(slot, makeOf(profile));
      await slot.greeted(this.#closed.signal);
      return slot;
    } catch (error) {
      await this.release(slot);
      throw new NoSandboxError(refusalOf(error), { cause: error });
    }
  }

  /** The folder first: in one that is not there the gateway opens nothing. */
  async #openModel(id: SlotId): Promise<void> {
    await makeModelSlot(this.#options.modelSlots, id);
    await this.#tellGateway(id);
  }

  async #tellGateway(id: SlotId): Promise<void> {
    const meter = this.#meters.get(id);
    const reading = await this.#options.gateway.openSlot(id, meter?.order);
    meter?.take(reading);
    // Not waited for: what a tool asks has to be written down, and a full disk must not hold up what the model costs.
    void this.rooms.serve(reading).catch((error: unknown) => {
      this.#options.logger.warn({ slot: id, reason: refusalOf(error) }, 'a question waits; it is looked at again');
    });
  }

  async #removeModelSlot(id: SlotId): Promise<void> {
    await removeModelSlot(this.#options.modelSlots, id).catch((error: unknown) => {
      this.#options.logger.warn({ slot: id, reason: String(error) }, 'a way to the model could not be removed');
    });
  }

  async #remove(id: SlotId): Promise<void> {
    try {
      await this.#options.launcher.remove(id);
      this.#leftovers.delete(id);
    } catch (error) {
      if (!this.#leftovers.has(id))
        this.#options.logger.warn({ slot: id, reason: refusalOf(error) }, 'a sandbox could not be removed now');
      this.#leftovers.add(id);
    }
  }

  /** Leaves sandboxes in use to the next runner; ends the idle ones, and those that are being started. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('the runner is ending'));
    await this.#filling;
    await Promise.all(this.#idle.splice(0).map((slot) => this.release(slot)));
    await Promise.all([...this.#used].map((slot) => slot.leave()));
  }
}

const noBudget: ModelBudget = { tokens: null, requests: null };

function makeOf(profile: Profile): string {
  return `${profile.name} ${profile.image} ${profile.definition}`;
}
