import { setTimeout } from 'node:timers/promises';
import type { Refusal, Sandbox, SignalSandbox, StartSandbox } from '@countersign/contracts/launcher-api.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { describeSandbox, ownerOf } from './container.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import type { Image } from './image.ts';
import { launcherLimits } from './limits.ts';
import { done, type Outcome, type Refused, refuse } from './outcome.ts';
import { type ContainerOptions, compile, containerName, type Ingredients, labels } from './policy.ts';
import type { ProfileBook } from './profile-book.ts';
import { Turns } from './turns.ts';
import { findMismatches } from './verify.ts';

/** What all sandboxes of this launcher share. */
export type Stack = Pick<Ingredients, 'project' | 'slotsVolume' | 'modelSlotsVolume' | 'epoch'>;

/**
 * The sandboxes of one stack. The engine is the only memory: a launcher that restarts finds what was there.
 *
 * Invariants: a container is started only after it was compared with what was compiled; one that is not started is removed;
 * what is done to a sandbox is done to a container with this project's labels and name, found by its slot.
 */
export class Sandboxes {
  readonly #engine: Engine;
  readonly #profiles: ProfileBook;
  readonly #stack: Stack;
  readonly #logger: Logger;
  readonly #turns = new Turns<SlotId>();
  /** Slots whose start is under way, in order; those before a start count towards its limit, listed by the engine or not. */
  readonly #starting = new Set<SlotId>();

  constructor(engine: Engine, profiles: ProfileBook, stack: Stack, logger: Logger) {
    this.#engine = engine;
    this.#profiles = profiles;
    this.#stack = stack;
    this.#logger = logger;
  }

  /** @throws EngineError; nothing is left behind then, unless the engine does not let it be removed (which is logged) */
  start(asked: StartSandbox, signal: AbortSignal): Promise<Outcome<Sandbox>> {
    const { slot } = asked;
    return this.#turns.take(slot, async () => {
      this.#starting.add(slot);
      try {
        return await this.#start(asked, signal);
      } finally {
        this.#starting.delete(slot);
      }
    });
  }

  async #start(asked: StartSandbox, signal: AbortSignal): Promise<Outcome<Sandbox>> {
    const { profile: profileName, slot, workspace } = asked;
    const resolved = await this.#profiles.resolve(profileName, workspace, signal);
    if (!resolved.ok) return resolved;
    const obstacles = await Promise.all([this.#volumeProblem(signal), this.#placeProblem(slot, signal)]);
    const obstacle = obstacles.find((one) => one !== null);
    if (obstacle !== undefined) return obstacle;

    const { profile, image, answer } = resolved.value;
    const options = compile({
      ...this.#stack,
      slot,
      profileName,
      profile,
      imageId: image.id,
      runtime: answer.runtime,
    });
    const created = await this.#create(slot, options, signal);
    if (!created.ok) return created;
    let outcome: Outcome<Sandbox> | undefined;
    try {
      outcome = await this.#verifyAndStart(slot, created.value, options, image, signal);
      return outcome;
    } finally {
      if (outcome?.ok) this.#logger.info({ slot, profile: profileName, workspace, image: image.id }, 'sandbox started');
      else await this.#discard(slot);
    }
  }

  /** The engine would make a missing volume, and follow one that stands for a folder of the host. */
  async #volumeProblem(signal: AbortSignal): Promise<Refused<Refusal['code']> | null> {
    for (const name of [this.#stack.slotsVolume, this.#stack.modelSlotsVolume]) {
      const volume = await this.#engine.volume(name, signal);
      if (volume === null) return refuse('internal', `there is no volume ${name}`);
      if (volume.driver !== 'local' || Object.keys(volume.options).length > 0)
        return refuse('not-as-compiled', `the volume ${name} is not a plain local volume`);
    }
    return null;
  }

  async #placeProblem(slot: SlotId, signal: AbortSignal): Promise<Refused<Refusal['code']> | null> {
    const taken = new Set((await this.#owned(signal)).map((container) => container.slot));
    if (taken.has(slot)) return refuse('slot-taken', 'this slot has, or had, its sandbox');
    for (const earlier of this.#starting) {
      if (earlier === slot) break;
      taken.add(earlier);
    }
    if (taken.size < launcherLimits.sandboxes) return null;
    return refuse('too-many-sandboxes', `there are ${launcherLimits.sandboxes} sandboxes already`);
  }

  /** @returns the container's id */
  async #create(slot: SlotId, options: ContainerOptions, signal: AbortSignal): Promise<Outcome<string>> {
    try {
      const id = await this.#engine.create(containerName(this.#stack.project, slot), options, signal);
      this.#logger.info({ slot, container: id }, 'sandbox created');
      return done(id);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      // Not ours to remove: a moment ago this stack had no container in this slot.
      if (error.code === 'conflict') return refuse('slot-taken', "a container with this slot's name exists");
      if (error.code === 'not-found') return refuse('no-image', 'the image was removed while the sandbox was made');
      // An engine that did not answer in time may have made it all the same.
      await this.#discard(slot);
      throw error;
    }
  }

  async #verifyAndStart(
    slot: SlotId,
    id: string,
    options: ContainerOptions,
    image: Image,
    signal: AbortSignal,
  ): Promise<Outcome<Sandbox>> {
    const created = await this.#engine.inspect(id, signal);
    if (created === null) return refuse('no-such-sandbox', 'the sandbox was removed before it started');
    const mismatches = findMismatches(options, image.config, created);
    if (mismatches.length > 0) {
      this.#logger.error({ slot, mismatches }, 'the engine did not make what was compiled');
      return refuse('not-as-compiled', `the engine did not make what was compiled: ${mismatches.join('; ')}`);
    }
    try {
      await this.#engine.start(id, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
      this.#logger.warn({ slot, detail: error.message }, 'the engine cannot start the sandbox');
      return (await this.#engine.inspect(id, signal)) === null
        ? refuse('no-such-sandbox', 'the sandbox was removed before it started')
        : refuse('bad-request', 'the slot has no folder in one of its two volumes');
    }
    const inspection = await this.#engine.inspect(id, signal);
    const sandbox = inspection === null ? null : describeSandbox(inspection);
    return sandbox === null ? refuse('no-such-sandbox', 'the sandbox was removed while it started') : done(sandbox);
  }

  /** Every sandbox of the stack, in every state. @throws EngineError */
  async list(signal: AbortSignal): Promise<Sandbox[]> {
    const owned = await this.#owned(signal);
    const inspections = await Promise.all(owned.map(({ id }) => this.#engine.inspect(id, signal)));
    return inspections.flatMap((inspection) => (inspection === null ? [] : (describeSandbox(inspection) ?? [])));
  }

  /** @throws EngineError */
  async signal(slot: SlotId, { signal: name }: SignalSandbox, signal: AbortSignal): Promise<Outcome<null>> {
    const [container] = await this.#owned(signal, slot);
    if (container === undefined) return refuse('no-such-sandbox', 'there is no sandbox in this slot');
    try {
      await this.#engine.kill(container.id, name, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || (error.code !== 'not-found' && error.code !== 'conflict')) throw error;
      return refuse('no-such-sandbox', 'the sandbox is not running');
    }
    this.#logger.info({ slot, signal: name }, 'sandbox signalled');
    return done(null);
  }

  /** Resolves when the container is gone, also when it was not there. @throws EngineError, also when it is not gone in time */
  remove(slot: SlotId, signal: AbortSignal): Promise<void> {
    return this.#turns.take(slot, () => this.#remove(slot, signal));
  }

  /** Says which sandboxes an earlier launcher left; the runner adopts or removes them. @throws EngineError */
  async reportEarlier(signal: AbortSignal): Promise<void> {
    const earlier = (await this.#owned(signal)).filter((container) => container.epoch !== this.#stack.epoch);
    if (earlier.length > 0)
      this.#logger.info(
        { sandboxes: earlier.map(({ slot, epoch }) => ({ slot, epoch })) },
        'sandboxes of earlier starts',
      );
  }

  async #remove(slot: SlotId, signal: AbortSignal): Promise<void> {
    let found = 0;
    for (;;) {
      const [container] = await this.#owned(signal, slot);
      if (container === undefined) break;
      if (found++ === 0) this.#logger.info({ slot, container: container.id }, 'sandbox is being removed');
      await this.#engine.remove(container.id, signal);
      if ((await this.#engine.inspect(container.id, signal)) === null) continue;
      await setTimeout(launcherLimits.removalPollMs, undefined, { signal }).catch(() => {
        throw new EngineError('unreachable', 'the container was not removed in time');
      });
    }
    if (found > 0) this.#logger.info({ slot }, 'sandbox removed');
  }

  /** After a start that failed: with its own time, because the request's may be used up. */
  async #discard(slot: SlotId): Promise<void> {
    try {
      await this.#remove(slot, AbortSignal.timeout(launcherLimits.discardMs));
    } catch (error) {
      this.#logger.error({ slot, err: error }, 'a sandbox that did not start could not be removed');
    }
  }

  /** This stack's own containers: by label, and the name must agree. */
  async #owned(signal: AbortSignal, slot?: SlotId): Promise<{ id: string; slot: SlotId; epoch: string }[]> {
    const { project } = this.#stack;
    const wanted = { [labels.project]: project, ...(slot === undefined ? {} : { [labels.sandbox]: slot }) };
    const listed = await this.#engine.list(wanted, signal);
    return listed.flatMap((container) => {
      const owner = ownerOf(project, container);
      return owner === null || (slot !== undefined && owner.slot !== slot) ? [] : [{ id: container.Id, ...owner }];
    });
  }
}
