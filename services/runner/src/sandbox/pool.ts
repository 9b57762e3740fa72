import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slot as Reading } from '@countersign/contracts/gateway-api.ts';
import type { Profile, Sandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId } from '@countersign/contracts/names.ts';
import { allEnded } from '@countersign/kit/in-parallel.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { type Gateway, type Launcher, refusalOf } from './clients.ts';
import { makeModelSlot, removeModelSlot } from './model-slot.ts';
import { poolLimits } from './pool-limits.ts';
import { Rooms } from './rooms.ts';
import { newSlotId, Slot } from './slot.ts';
import { type ModelBudget, SlotMeter } from './slot-meter.ts';

type PoolOptions = {
  readonly slots: string;
  /** Where the gateway listens for sandboxes; the gateway writes there too. */
  readonly modelSlots: string;
  readonly launcher: Launcher;
  readonly gateway: Gateway;
  readonly logger: Logger;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

type WayToModel = 'with-model' | 'without-model';

/** Whether a sandbox waited for its task, or the task for it. */
export type Readiness = 'warm' | 'cold';

/** A sandbox that waits for its task. */
type Idle = {
  readonly slot: Slot;
  /** What it was made from; a task gets a sandbox of exactly the make that its approval names. */
  readonly make: string;
  readonly since: number;
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
  #idle: readonly Idle[] = [];
  readonly #used = new Set<Slot>();
  /** Given to a task that has not begun in them: until then no other one is made, which would take the processor from it. */
  readonly #dispatching = new Map<SlotId, { readonly readiness: Readiness; readonly since: number }>();
  /** Sandboxes that are being made for tasks that wait for them. */
  #awaited = 0;
  /** Those that no way to the model is opened for. */
  readonly #withoutModel = new Set<SlotId>();
  /** What the gateway is being told of a slot. */
  readonly #telling = new Map<SlotId, Promise<void>>();
  /** Of the slots that a task has and that lead to a model. */
  readonly #meters = new Map<SlotId, SlotMeter>();
  /** Of the slots whose tool can ask something, or is told that it cannot. */
  readonly rooms: Rooms;
  /** Sandboxes that the launcher did not remove when it was asked to. */
  readonly #leftovers = new Set<SlotId>();
  readonly #closed = new AbortController();
  readonly #clock: () => number;
  #filling: Promise<void> | null = null;
  #idleRepeatedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.rooms = new Rooms(options.gateway);
  }

  /**
   * A sandbox for one task: a warm one where there is one, else a new one.
   * @param budget of the model; the gateway has it before the task begins
   * @throws NoSandboxError
   */
  async acquire(profile: Profile, workspace: string | null = null, budget: ModelBudget = noBudget): Promise<Slot> {
    const warm = this.#takeIdle(profile);
    const slot = warm ?? (await this.#startAwaited(profile, workspace, 'with-model'));
    this.#dispatch(slot, slot === warm ? 'warm' : 'cold');
    this.#meters.set(slot.id, new SlotMeter(budget));
    try {
      await this.#tellGateway(slot.id);
      return slot;
    } catch (error) {
      await this.release(slot);
      throw new NoSandboxError(`the gateway was not told its budget: ${refusalOf(error)}`, { cause: error });
    }
  }

  /**
   * A sandbox without a way to the model, for what must not depend on one. A warm one had a way, by which nothing went: only the
   * agent process was in there. @throws NoSandboxError
   */
  async acquireWithoutModel(profile: Profile, workspace: string | null = null): Promise<Slot> {
    const warm = this.#takeIdle(profile);
    if (warm === undefined || !(await this.#closeModel(warm))) return await this.makeWithoutModel(profile, workspace);
    this.#dispatch(warm, 'warm');
    return warm;
  }

  /** The same, and made now: what it shows holds for those that are made from now on. @throws NoSandboxError */
  async makeWithoutModel(profile: Profile, workspace: string | null = null): Promise<Slot> {
    const slot = await this.#startAwaited(profile, workspace, 'without-model');
    this.#dispatch(slot, 'cold');
    return slot;
  }

  /** What a slot was given for has begun in it. Null for one that was adopted, or has begun already. */
  begun(slot: Slot): Readiness | null {
    const dispatched = this.#dispatching.get(slot.id);
    this.#dispatching.delete(slot.id);
    return dispatched?.readiness ?? null;
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
    this.#dispatching.delete(slot.id);
    this.#meters.delete(slot.id);
    this.rooms.close(slot.id);
    // What the gateway is being told of it must not be taken after its end.
    await this.#telling.get(slot.id)?.catch(() => undefined);
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

  /**
   * Repeats every slot to the gateway, which may have been restarted, and hears what each has used. One that waits is repeated now
   * and then: before a task begins in it, it is in any case.
   */
  async repeatSlots(): Promise<void> {
    const isIdleDue = this.#clock() - this.#idleRepeatedAt >= poolLimits.idleRepeatMs;
    if (isIdleDue) this.#idleRepeatedAt = this.#clock();
    const idle = isIdleDue ? this.#idle.map(({ slot }) => slot) : [];
    const slots = [...idle, ...this.#used].filter((slot) => !this.#withoutModel.has(slot.id));
    await Promise.all(slots.map((slot) => this.#tellGateway(slot.id).catch(() => undefined)));
  }

  /** Repeats one slot now, for there is something to tell. What does not get through is told with the next turn of all. */
  repeatSlot(id: SlotId): void {
    if (this.#meters.has(id)) void this.#tellGateway(id).catch(() => undefined);
  }

  /**
   * Removes what is to go, and fills up with warm sandboxes, after a dispatch and not during one.
   * @param profiles those that tasks would get now; null while that is not known
   */
  async maintain(profiles: readonly Profile[] | null): Promise<void> {
    for (const id of this.#leftovers) await this.#remove(id);
    const outworn = this.#outworn(profiles);
    const kept = this.#idle.filter((idle) => idle !== outworn && this.#isFit(idle, profiles));
    const gone = this.#idle.filter((idle) => !kept.includes(idle));
    this.#idle = kept;
    for (const { slot } of gone) await this.release(slot);
    if (profiles === null || this.#filling !== null || this.#closed.signal.aborted) return;
    this.#filling = this.#fill(profiles);
    await this.#filling;
    this.#filling = null;
  }

  /** Not one that is gone, or that was made from another image, or by another definition, than tasks get now. */
  #isFit({ slot, make }: Idle, profiles: readonly Profile[] | null): boolean {
    if (!slot.isGreeted) return false;
    return profiles === null || profiles.some((profile) => profile.warm > 0 && makeOf(profile) === make);
  }

  /** The oldest, where it has waited too long and another one may take its place now: not all of them at once. */
  #outworn(profiles: readonly Profile[] | null): Idle | undefined {
    if (profiles === null || this.#isDispatching()) return undefined;
    return this.#idle.find(({ since }) => this.#clock() - since > poolLimits.idleMs);
  }

  /** A profile that cannot be had holds up no other one. */
  async #fill(profiles: readonly Profile[]): Promise<void> {
    for (const profile of profiles)
      try {
        while (this.#lacks(profile)) {
          const slot = await this.#start(profile, null, 'with-model', 'in turn');
          this.#idle = [...this.#idle, { slot, make: makeOf(profile), since: this.#clock() }];
        }
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        const reason = refusalOf(error);
        this.#options.logger.warn({ profile: profile.name, reason }, 'no warm sandbox could be started');
      }
  }

  #lacks(profile: Profile): boolean {
    if (this.#closed.signal.aborted || this.#isDispatching()) return false;
    return this.#idle.filter(({ make }) => make === makeOf(profile)).length < profile.warm;
  }

  /** One that says no word for long is the trouble of its own task alone. */
  #isDispatching(): boolean {
    const recent = this.#clock() - poolLimits.dispatchMs;
    return this.#awaited > 0 || this.#dispatching.values().some(({ since }) => since >= recent);
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
    const taken = this.#idle.find(({ slot, make }) => slot.isGreeted && make === makeOf(profile));
    this.#idle = this.#idle.filter((idle) => idle !== taken);
    return taken?.slot;
  }

  #dispatch(slot: Slot, readiness: Readiness): void {
    this.#used.add(slot);
    this.#dispatching.set(slot.id, { readiness, since: this.#clock() });
  }

  async #startAwaited(profile: Profile, workspace: string | null, way: WayToModel): Promise<Slot> {
    this.#awaited += 1;
    try {
      return await this.#start(profile, workspace, way, 'at once');
    } finally {
      this.#awaited -= 1;
    }
  }

  /** @param order where nobody waits for it, no sandbox is made while the gateway is away */
  async #start(
    profile: Profile,
    workspace: string | null,
    way: WayToModel,
    order: 'in turn' | 'at once',
  ): Promise<Slot> {
    const id = newSlotId();
    this.#known.add(id);
    const slot = await Slot.open(this.#options.slots, id);
    try {
      // The launcher mounts the folder in any case; in one without a way nothing listens.
      if (way === 'without-model') this.#withoutModel.add(id);
      await makeModelSlot(this.#options.modelSlots, id);
      const telling = way === 'with-model' ? this.#tellGateway(id) : Promise.resolve();
      if (order === 'in turn') await telling;
      const [{ image }] = await allEnded([this.#options.launcher.start(profile.name, id, workspace), telling]);
      if (image !== profile.image) throw new Error(`the image of profile ${profile.name} has just changed`);
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

  /** Nothing that was said of it before may open it again. Where the gateway does not soon say that it is closed, the sandbox goes. */
  async #closeModel(slot: Slot): Promise<boolean> {
    this.#withoutModel.add(slot.id);
    const closed = (async () => {
      // A slot that waits is told of once at a time.
      await this.#telling.get(slot.id)?.catch(() => undefined);
      await this.#options.gateway.closeSlot(slot.id);
    })();
    const late = sleep(poolLimits.closeMs, undefined, { ref: false }).then(() => {
      throw new Error(`the gateway did not answer within ${poolLimits.closeMs} ms`);
    });
    try {
      await Promise.race([closed, late]);
      return true;
    } catch (error) {
      const reason = refusalOf(error);
      this.#options.logger.warn({ slot: slot.id, reason }, 'a way to the model could not be closed');
      closed.catch(() => undefined);
      void this.release(slot).catch((failure: unknown) => {
        this.#options.logger.warn({ slot: slot.id, reason: String(failure) }, 'a sandbox waits to be removed');
      });
      return false;
    } finally {
      late.catch(() => undefined);
    }
  }

  #tellGateway(id: SlotId): Promise<void> {
    const telling = this.#tell(id).finally(() => {
      if (this.#telling.get(id) === telling) this.#telling.delete(id);
    });
    this.#telling.set(id, telling);
    return telling;
  }

  async #tell(id: SlotId): Promise<void> {
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
    const idle = this.#idle;
    this.#idle = [];
    await Promise.all(idle.map(({ slot }) => this.release(slot)));
    await Promise.all([...this.#used].map((slot) => slot.leave()));
  }
}

const noBudget: ModelBudget = { tokens: null, requests: null };

/** What a sandbox of this profile is made from, and by which definition. Pure. */
export function makeOf(profile: Profile): string {
  return `${profile.name} ${profile.image} ${profile.definition}`;
}
