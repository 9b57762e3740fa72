import type {
  ControlledService,
  ServiceContainer,
  ServiceOrder,
  ServiceRefusal,
} from '@countersign/contracts/services-api.ts';
import type { Engine } from '../engine.ts';
import { EngineError } from '../engine-error.ts';
import { launcherLimits } from '../limits.ts';
import { type Refused, refuse } from '../outcome.ts';
import { Turns } from '../turns.ts';
import { describeService, isOfService, isRunning, labelsOf, type ServiceInspection } from './service-container.ts';

export type ServiceOutcome = { readonly ok: true; readonly value: ServiceContainer } | Refused<ServiceRefusal['code']>;

/**
 * The two services of this launcher's own stack that may be looked at, started and stopped. Invariant: what is done is done to the
 * one container that Compose made for a service of that name in this project.
 */
export class Services {
  readonly #engine: Engine;
  readonly #project: string;
  readonly #turns = new Turns<ControlledService>();

  constructor(engine: Engine, project: string) {
    this.#engine = engine;
    this.#project = project;
  }

  /** @throws EngineError */
  async inspect(service: ControlledService, signal: AbortSignal): Promise<ServiceOutcome> {
    const found = await this.#find(service, signal);
    return found.ok ? { ok: true, value: describeService(found.inspection) } : found;
  }

  /** Safe to repeat: what is so already is left alone. @throws EngineError */
  carryOut({ kind, subject: { service } }: ServiceOrder, signal: AbortSignal): Promise<ServiceOutcome> {
    return this.#turns.take(service, async () => {
      const found = await this.#find(service, signal);
      if (!found.ok) return found;
      if (isRunning(found.inspection) !== (kind === 'service_start'))
        await this.#change(kind, found.inspection.Id, signal);
      return await this.inspect(service, signal);
    });
  }

  async #change(kind: ServiceOrder['kind'], id: string, signal: AbortSignal): Promise<void> {
    try {
      if (kind === 'service_start') await this.#engine.start(id, signal);
      else await this.#engine.stop(id, launcherLimits.stopSeconds, signal);
    } catch (error) {
      // Somebody else was faster; how it stands is looked at afterwards.
      if (!(error instanceof EngineError && error.code === 'conflict')) throw error;
    }
  }

  async #find(
    service: ControlledService,
    signal: AbortSignal,
  ): Promise<{ readonly ok: true; readonly inspection: ServiceInspection } | Refused<ServiceRefusal['code']>> {
    const listed = await this.#engine.list(labelsOf(this.#project, service), signal);
    const [only, ...others] = listed.filter((container) => isOfService(this.#project, service, container));
    if (others.length > 0)
      return refuse('several-containers', `${service} has ${others.length + 1} containers; see docker compose ps`);
    const inspection = only === undefined ? null : await this.#engine.inspectService(only.Id, signal);
    if (inspection === null) return refuse('no-such-service', `${service} has no container: run scripts/up`);
    return { ok: true, inspection };
  }
}
