import { createHash } from 'node:crypto';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { WorkspaceName } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Engine } from './engine.ts';
import type { Image } from './image.ts';
import { launcherLimits } from './limits.ts';
import { done, type Outcome, refuse } from './outcome.ts';
import { compile, type Ingredients } from './policy.ts';
import { chooseRuntime, type Runtimes } from './runtime.ts';
import { findUnfitness } from './workspace-image.ts';
import { workspaceImageName } from './workspace-image-name.ts';

/** A profile as it stands on this engine now. `answer` is what the API says of it. */
export type ResolvedProfile = {
  readonly answer: Profile;
  readonly profile: SandboxProfile;
  readonly image: Image;
};

type Toolchain = { readonly toolchain: Profile['toolchain']; readonly image: Image };

const mib = 1024 * 1024;

/** Resolves profiles against the engine: the image's name to its id, the runtime to one that is there. */
export class ProfileBook {
  readonly #profiles: ReadonlyMap<string, SandboxProfile>;
  readonly #engine: Engine;
  readonly #stack: Pick<Ingredients, 'project' | 'slotsVolume' | 'modelSlotsVolume'>;
  /** Of the images that were built for workspaces: the tag that the stack itself runs with. */
  readonly #imageTag: string;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #cache = new Map<string, { readonly until: number; readonly resolved: ResolvedProfile }>();
  readonly #said = new Map<string, string>();
  #runtimes: { readonly until: number; readonly known: Runtimes } | null = null;

  constructor(
    profiles: ReadonlyMap<string, SandboxProfile>,
    engine: Engine,
    stack: Pick<Ingredients, 'project' | 'slotsVolume' | 'modelSlotsVolume'>,
    imageTag: string,
    logger: Logger,
    now: () => number = Date.now,
  ) {
    this.#profiles = profiles;
    this.#engine = engine;
    this.#stack = stack;
    this.#imageTag = imageTag;
    this.#logger = logger;
    this.#now = now;
  }

  /**
   * @param workspace whose image takes the place of the profile's own where there is one; null for the profile's own
   * Refusals: `unknown-profile`, `no-image`, `image-unfit`, `runtime-missing`. @throws EngineError
   */
  async resolve(name: string, workspace: WorkspaceName | null, signal: AbortSignal): Promise<Outcome<ResolvedProfile>> {
    const key = workspace === null ? name : `${name} ${workspace}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined && this.#now() < cached.until) return done(cached.resolved);
    const profile = this.#profiles.get(name);
    if (profile === undefined)
      return refuse('unknown-profile', `no such profile; there are ${[...this.#profiles.keys()].join(', ')}`);

    const [own, ofWorkspace, runtimes] = await Promise.all([
      this.#engine.image(profile.image, signal),
      workspace === null ? null : this.#engine.image(`${workspaceImageName(workspace)}:${this.#imageTag}`, signal),
      this.#knownRuntimes(signal),
    ]).catch((error: unknown) => {
      // The engine that is back may be another one.
      this.#runtimes = null;
      throw error;
    });
    if (own === null) return refuse('no-image', `profile ${name}: the engine has no image ${profile.image}`);
    const chosen = chooseImage(own, ofWorkspace, workspace);
    if (!chosen.ok) return chosen;
    const choice = chooseRuntime(profile.runtime, runtimes);
    if (!choice.ok) return refuse('runtime-missing', `profile ${name}: ${choice.reason}`);

    const { runtime } = choice;
    const { toolchain, image } = chosen.value;
    const answer: Profile = {
      name,
      toolchain,
      image: image.id,
      definition: this.#digest(name, profile, image.id, runtime),
      runtime,
      workspace_bytes: profile.workspace_mb * mib,
      memory_bytes: profile.memory_mb * mib,
      warm: profile.warm ?? (name === 'default' ? launcherLimits.warmByDefault : 0),
    };
    const resolved = { answer, profile, image };
    this.#forgetWhenFull();
    this.#cache.set(key, { until: this.#now() + launcherLimits.profileCacheMs, resolved });
    this.#sayChange(key, answer, workspace, choice.reason);
    return done(resolved);
  }

  async #knownRuntimes(signal: AbortSignal): Promise<Runtimes> {
    if (this.#runtimes !== null && this.#now() < this.#runtimes.until) return this.#runtimes.known;
    const known = await this.#engine.runtimes(signal);
    this.#runtimes = { until: this.#now() + launcherLimits.runtimesCacheMs, known };
    return known;
  }

  /** The names of workspaces come from outside. */
  #forgetWhenFull(): void {
    if (this.#cache.size >= launcherLimits.rememberedProfiles) this.#cache.clear();
    if (this.#said.size >= launcherLimits.rememberedProfiles) this.#said.clear();
  }

  /** Of everything that a sandbox of this profile is made with, except what differs between two of them. */
  #digest(profileName: string, profile: SandboxProfile, imageId: string, runtime: Profile['runtime']): string {
    const slot = '0'.repeat(32);
    const options = compile({ ...this.#stack, epoch: '', slot, profileName, profile, imageId, runtime });
    return createHash('sha256').update(canonicalJson(options)).digest('hex');
  }

  #sayChange(key: string, answer: Profile, workspace: WorkspaceName | null, reason: string): void {
    if (this.#said.get(key) === answer.definition) return;
    this.#said.set(key, answer.definition);
    const { name: profile, toolchain, image, runtime, definition } = answer;
    this.#logger.info({ profile, workspace, toolchain, image, runtime, reason, definition }, 'profile resolved');
  }
}

/** Never another image when there is one for the workspace: whoever built it means its tools to be there. */
function chooseImage(own: Image, ofWorkspace: Image | null, workspace: WorkspaceName | null): Outcome<Toolchain> {
  if (workspace === null || ofWorkspace === null) return done({ toolchain: 'own', image: own });
  const reasons = findUnfitness(own, ofWorkspace, workspace);
  if (reasons.length === 0) return done({ toolchain: 'workspace', image: ofWorkspace });
  return refuse(
    'image-unfit',
    `the image of workspace ${workspace} cannot be used; build it anew with: scripts/countersign image ${workspace} (${reasons.join('; ')})`,
  );
}
