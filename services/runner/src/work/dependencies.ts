import type { ModelReport } from '@countersign/contracts/gateway-api.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { type Gateway, type Launcher, refusalOf } from '../sandbox/clients.ts';

type Ready = {
  readonly ok: true;
  readonly model: ModelReport & { status: 'ready' };
  readonly profiles: ReadonlyMap<string, Profile>;
};
export type DependencyState = Ready | { readonly ok: false; readonly reason: string };

/** What a task needs besides its turn: launcher, gateway and model. Asked again and again; a task that waits for one says so. */
export class Dependencies {
  readonly #launcher: Launcher;
  readonly #gateway: Gateway;
  readonly #profiles: readonly string[];
  readonly #journal: Journal;
  #said = '';
  #state: DependencyState = { ok: false, reason: 'launcher and gateway have not answered yet' };

  constructor(launcher: Launcher, gateway: Gateway, profiles: readonly string[], journal: Journal) {
    this.#launcher = launcher;
    this.#gateway = gateway;
    this.#profiles = profiles;
    this.#journal = journal;
  }

  get state(): DependencyState {
    return this.#state;
  }

  /** Asks all of them now. */
  async refresh(): Promise<DependencyState> {
    this.#state = await this.#ask();
    const model = this.#state.ok
      ? `${this.#state.model.name} (${describeModel(this.#state.model.kind)})`
      : this.#state.reason;
    if (model !== this.#said) {
      this.#said = model;
      await this.#journal.append({
        phase: 'service',
        agent_role: 'runner',
        event: 'model_changed',
        summary: this.#state.ok ? `model: ${model}` : model,
      });
    }
    return this.#state;
  }

  async #ask(): Promise<DependencyState> {
    const profiles = new Map<string, Profile>();
    try {
      for (const name of this.#profiles) profiles.set(name, await this.#launcher.profile(name));
    } catch (error) {
      return { ok: false, reason: `the launcher cannot start sandboxes: ${refusalOf(error)}` };
    }
    try {
      const model = await this.#gateway.model();
      if (model.status === 'ready') return { ok: true, model, profiles };
      return { ok: false, reason: `model ${model.name} is ${model.status}: ${model.reason}` };
    } catch (error) {
      return { ok: false, reason: `the gateway cannot be reached: ${refusalOf(error)}` };
    }
  }
}

/** How a kind of model is named to people. */
export function describeModel(kind: ModelReport['kind']): string {
  switch (kind) {
    case 'own':
      return "the operator's own server";
    case 'ollama':
      return "the stack's own Ollama";
    case 'rehearsal':
      return 'the rehearsal model, which is no language model';
  }
}
