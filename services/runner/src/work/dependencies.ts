import type { ModelKind, ModelReport } from '@countersign/contracts/gateway-api.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import { type Gateway, type Launcher, refusalOf } from '../sandbox/clients.ts';

/** A profile as the launcher made it out, or why it cannot. */
type ProfileAnswer = { readonly ok: true; readonly profile: Profile } | { readonly ok: false; readonly reason: string };
export type Profiles = ReadonlyMap<string, ProfileAnswer>;

type Answer<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly reason: string };
export type Model = { readonly kind: ModelKind; readonly name: string };
type DependencyState = {
  readonly launcher: Answer<{ readonly profiles: Profiles }>;
  readonly model: Answer<{ readonly model: Model }>;
};

/** What an attempt is made with. */
export type Needs = { readonly model: Model; readonly profile: Profile };

/** What a task needs besides its turn: launcher, gateway and model. Asked again and again; a task that waits for one says so. */
export class Dependencies {
  readonly #launcher: Launcher;
  readonly #gateway: Gateway;
  readonly #profiles: readonly string[];
  readonly #journal: Journal;
  #said = '';
  #state: DependencyState = {
    launcher: { ok: false, reason: 'the launcher has not answered yet' },
    model: { ok: false, reason: 'the gateway has not answered yet' },
  };

  constructor(launcher: Launcher, gateway: Gateway, profiles: readonly string[], journal: Journal) {
    this.#launcher = launcher;
    this.#gateway = gateway;
    this.#profiles = profiles;
    this.#journal = journal;
  }

  get state(): DependencyState {
    return this.#state;
  }

  /** Asks all of them now. Resolves whether something that was missing before is there now. */
  async refresh(): Promise<boolean> {
    const before = this.#state;
    this.#state = { launcher: await this.#askLauncher(), model: await this.#askModel() };
    const { launcher, model } = this.#state;
    const said = model.ok ? `model: ${describeModel(model.model)}` : model.reason;
    if (said !== this.#said) {
      this.#said = said;
      await this.#journal.append({
        phase: 'service',
        agent_role: 'runner',
        event: 'model_changed',
        summary: said.slice(0, 4_000),
      });
    }
    return (launcher.ok && !before.launcher.ok) || (model.ok && !before.model.ok);
  }

  async #askLauncher(): Promise<DependencyState['launcher']> {
    const profiles = new Map<string, ProfileAnswer>();
    for (const name of this.#profiles) {
      try {
        profiles.set(name, { ok: true, profile: await this.#launcher.profile(name) });
      } catch (error) {
        const reason = `the launcher cannot start sandboxes of profile ${name}: ${refusalOf(error)}`;
        // One profile that cannot be used, its image not built perhaps, holds up its own stages only.
        const isRefusal = error instanceof ServiceError && error.code === 'refused' && error.status < 500;
        if (!isRefusal) return { ok: false, reason };
        profiles.set(name, { ok: false, reason });
      }
    }
    return { ok: true, profiles };
  }

  async #askModel(): Promise<DependencyState['model']> {
    try {
      const report: ModelReport = await this.#gateway.model();
      if (report.status === 'ready') return { ok: true, model: { kind: report.kind, name: report.name } };
      return { ok: false, reason: `model ${report.name} is ${report.status}: ${report.reason}` };
    } catch (error) {
      return { ok: false, reason: `the gateway cannot be reached: ${refusalOf(error)}` };
    }
  }
}
