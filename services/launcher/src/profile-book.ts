import { createHash } from 'node:crypto';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Engine, Image } from './engine.ts';
import { launcherLimits } from './limits.ts';
import { done, type Outcome, refuse } from './outcome.ts';
import { compile, type Ingredients } from './policy.ts';
import { chooseRuntime } from './runtime.ts';

/** A profile as it stands on this engine now. `answer` is what the API says of it. */
export type ResolvedProfile = {
  readonly answer: Profile;
  readonly profile: SandboxProfile;
  readonly image: Image;
};

const mib = 1024 * 1024;

/** Resolves profiles against the engine: the image's name to its id, the runtime to one that is there. */
export class ProfileBook {
  readonly #profiles: ReadonlyMap<string, SandboxProfile>;
  readonly #engine: Engine;
  readonly #stack: Pick<Ingredients, 'project' | 'slotsVolume' | 'modelSlotsVolume'>;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #cache = new Map<string, { readonly until: number; readonly resolved: ResolvedProfile }>();
  readonly #said = new Map<string, string>();

  constructor(
    profiles: ReadonlyMap<string, SandboxProfile>,
    engine: Engine,
    stack: Pick<Ingredients, 'project' | 'slotsVolume' | 'modelSlotsVolume'>,
    logger: Logger,
    now: () => number = Date.now,
  ) {
    this.#profiles = profiles;
    this.#engine = engine;
    this.#stack = stack;
    this.#logger = logger;
    this.#now = now;
  }

  /** Refusals: `unknown-profile`, `no-image`, `runtime-missing`. @throws EngineError */
  async resolve(name: string, signal: AbortSignal): Promise<Outcome<ResolvedProfile>> {
    const cached = this.#cache.get(name);
    if (cached !== undefined && this.#now() < cached.until) return done(cached.resolved);
    const profile = this.#profiles.get(name);
    if (profile === undefined)
      return refuse('unknown-profile', `no such profile; there are ${[...this.#profiles.keys()].join(', ')}`);

    const image = await this.#engine.image(profile.image, signal);
    if (image === null) return refuse('no-image', `profile ${name}: the engine has no image ${profile.image}`);
    const choice = chooseRuntime(profile.runtime, await this.#engine.runtimes(signal));
    if (!choice.ok) return refuse('runtime-missing', `profile ${name}: ${choice.reason}`);

    const { runtime } = choice;
    const answer: Profile = {
      name,
      image: image.id,
      definition: this.#digest(name, profile, image.id, runtime),
      runtime,
      workspace_bytes: profile.workspace_mb * mib,
      memory_bytes: profile.memory_mb * mib,
    };
    const resolved = { answer, profile, image };
    this.#cache.set(name, { until: this.#now() + launcherLimits.profileCacheMs, resolved });
    this.#sayChange(answer, choice.reason);
    return done(resolved);
  }

  /** Of everything that a sandbox of this profile is made with, except what differs between two of them. */
  #digest(profileName: string, profile: SandboxProfile, imageId: string, runtime: Profile['runtime']): string {
    const slot = '0'.repeat(32);
    const options = compile({ ...this.#stack, epoch: '', slot, profileName, profile, imageId, runtime });
    return createHash('sha256').update(canonicalJson(options)).digest('hex');
  }

  #sayChange(answer: Profile, reason: string): void {
    if (this.#said.get(answer.name) === answer.definition) return;
    this.#said.set(answer.name, answer.definition);
    const { name: profile, image, runtime, definition } = answer;
    this.#logger.info({ profile, image, runtime, reason, definition }, 'profile resolved');
  }
}
