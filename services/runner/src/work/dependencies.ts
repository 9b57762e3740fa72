import { statfs } from 'node:fs/promises';
import type { ModelKind, ModelReport } from '@countersign/contracts/gateway-api.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import { type Gateway, type Launcher, refusalOf } from '../sandbox/clients.ts';

/** A profile as the launcher made it out, or why it cannot. */
type ProfileAnswer = { readonly ok: true; readonly profile: Profile } | { readonly ok: false; readonly reason: string };
type Profiles = ReadonlyMap<string, ProfileAnswer>;

type Answer<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly reason: string };
type Model = { readonly kind: ModelKind; readonly name: string };
type DependencyState = {
  readonly launcher: Answer<{ readonly profiles: Profiles }>;
  readonly model: Answer<{ readonly model: Model /** In tokens. */; readonly contextLength: number }>;
  readonly disk: Answer<{ readonly freeBytes: number }>;
};

/** What an attempt is made with; the length of the model's context in tokens. */
export type Needs = { readonly model: Model; readonly contextLength: number; readonly profile: Profile };
/** The file system that everything is kept on, and what must be free there, in bytes. */
export type Disk = { readonly path: string; readonly leastBytes: number };

export const mib = 1024 * 1024;

/** What a task needs besides its turn: launcher, gateway and model. Asked again and again; a task that waits for one says so. */
export class Dependencies {
  readonly #launcher: Launcher;
  readonly #gateway: Gateway;
  readonly #profiles: readonly string[];
  readonly #journal: Journal;
  readonly #disk: Disk;
  #said = '';
  #state: DependencyState = {
    launcher: { ok: false, reason: 'the launcher has not answered yet' },
    model: { ok: false, reason: 'the gateway has not answered yet' },
    disk: { ok: false, reason: 'the room on the disk is not known yet' },
  };

  constructor(launcher: Launcher, gateway: Gateway, profiles: readonly string[], journal: Journal, disk: Disk) {
    this.#launcher = launcher;
    this.#gateway = gateway;
    this.#profiles = profiles;
    this.#journal = journal;
    this.#disk = disk;
  }

  get state(): DependencyState {
    return this.#state;
  }

  /** Asks all of them now. Resolves whether something that was missing before is there now. */
  async refresh(): Promise<boolean> {
    const before = this.#state;
    this.#state = { launcher: await this.#askLauncher(), model: await this.#askModel(), disk: await this.#askDisk() };
    const { launcher, model, disk } = this.#state;
    const said = model.ok ? `model: ${describeModel(model.model)}` : model.reason;
    if (said !== this.#said) {
      await this.#journal.append({
        phase: 'service',
        agent_role: 'runner',
        event: 'model_changed',
        summary: said.slice(0, 4_000),
      });
      this.#said = said;
    }
    return (launcher.ok && !before.launcher.ok) || (model.ok && !before.model.ok) || (disk.ok && !before.disk.ok);
  }

  /**
   * A profile as it is for tasks of a workspace, asked now: an image may have just been built for it.
   * @throws ServiceError when the launcher does not answer
   */
  profileFor(name: string, workspace: string): Promise<ProfileAnswer> {
    return this.#askProfile(name, workspace);
  }

  async #askProfile(name: string, workspace: string | null = null): Promise<ProfileAnswer> {
    try {
      return { ok: true, profile: await this.#launcher.profile(name, workspace) };
    } catch (error) {
      // One profile that cannot be used, its image not built perhaps, holds up its own stages only.
      const isRefusal = error instanceof ServiceError && error.code === 'refused' && error.status < 500;
      if (!isRefusal) throw error;
      return { ok: false, reason: cannotStart(name, error) };
    }
  }

  async #askLauncher(): Promise<DependencyState['launcher']> {
    const profiles = new Map<string, ProfileAnswer>();
    for (const name of this.#profiles) {
      try {
        profiles.set(name, await this.#askProfile(name));
      } catch (error) {
        return { ok: false, reason: cannotStart(name, error) };
      }
    }
    return { ok: true, profiles };
  }

  /** A run that fills the disk takes everything else with it: none is begun when there is little room. */
  async #askDisk(): Promise<DependencyState['disk']> {
    const { path, leastBytes } = this.#disk;
    try {
      const { bavail, bsize } = await statfs(path);
      const freeBytes = bavail * bsize;
      if (freeBytes >= leastBytes) return { ok: true, freeBytes };
      return {
        ok: false,
        reason: `waits for room on the disk: less than ${leastBytes / mib} MB are free (MIN_FREE_DISK_MB in configs/agent.env); see scripts/countersign clean`,
      };
    } catch (error) {
      return { ok: false, reason: `the room on the disk is not known: ${String(error)}` };
    }
  }

  async #askModel(): Promise<DependencyState['model']> {
    try {
      const report: ModelReport = await this.#gateway.model();
      if (report.status === 'ready')
        return { ok: true, model: { kind: report.kind, name: report.name }, contextLength: report.context_length };
      return { ok: false, reason: `model ${report.name} is ${report.status}: ${report.reason}` };
    } catch (error) {
      return { ok: false, reason: `the gateway cannot be reached: ${refusalOf(error)}` };
    }
  }
}

function cannotStart(profile: string, error: unknown): string {
  return `the launcher cannot start sandboxes of profile ${profile}: ${refusalOf(error)}`;
}
