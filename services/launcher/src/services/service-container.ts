import type { ControlledService, ServiceContainer } from '@countersign/contracts/services-api.ts';
import { z } from 'zod';
import type { ListedContainer } from '../container.ts';
import { labels as sandboxLabels } from '../policy.ts';

/** As Compose labels what it makes. */
const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  /** `True` of a container of `docker compose run`. */
  oneOff: 'com.docker.compose.oneoff',
  /** On containers alone: project and service are labels of images, too, which any container of theirs inherits. */
  hash: 'com.docker.compose.config-hash',
} as const;

/** What is looked at of the engine's `inspect` answer. */
export const ServiceInspection = z.object({
  Id: z.string(),
  Image: z.string(),
  RestartCount: z.int().nonnegative(),
  State: z.object({ Status: z.string(), StartedAt: z.string() }),
});
export type ServiceInspection = z.infer<typeof ServiceInspection>;

/** What the engine is asked to list; it is not believed that it filtered. */
export function labelsOf(project: string, service: ControlledService): Readonly<Record<string, string>> {
  return { [labels.project]: project, [labels.service]: service };
}

/** Whether it is what Compose made for that service of that stack, by its labels. */
export function isOfService(project: string, service: ControlledService, { Labels }: ListedContainer): boolean {
  return (
    Labels[labels.project] === project &&
    Labels[labels.service] === service &&
    Labels[labels.oneOff] === 'False' &&
    (Labels[labels.hash] ?? '') !== '' &&
    Labels[sandboxLabels.sandbox] === undefined
  );
}

export function isRunning({ State }: ServiceInspection): boolean {
  return State.Status === 'running' || State.Status === 'restarting' || State.Status === 'paused';
}

export function describeService({ Image, RestartCount, State }: ServiceInspection): ServiceContainer {
  const started = new Date(State.StartedAt);
  // The engine writes the year 1 for never.
  const isKnown = !Number.isNaN(started.getTime()) && started.getUTCFullYear() > 1;
  return {
    state: State.Status,
    started_at: isKnown ? started.toISOString() : null,
    restarts: RestartCount,
    image: Image,
  };
}
