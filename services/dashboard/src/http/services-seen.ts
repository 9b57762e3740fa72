import type { ServiceRow, Services } from '@countersign/contracts/page-api.ts';
import { ControlledService } from '@countersign/contracts/services-api.ts';
import type { ServiceOrders } from '../commands/service-orders.ts';

export type ContainerSource = Pick<ServiceOrders, 'look'>;

/** A page that shows the others need not wait for the launcher. */
const lookMs = 2_000;

/** What the services say of themselves, and what the launcher sees of the containers of those that it may look at. */
export async function withContainers({ services }: Services, launcher: ContainerSource): Promise<Services> {
  const seen = await Promise.all(services.map((row) => look(row, launcher)));
  return {
    services: seen.map(({ row }) => row),
    launcher: seen.map(({ trouble }) => trouble).find((trouble) => trouble !== null) ?? null,
  };
}

async function look(row: ServiceRow, launcher: ContainerSource): Promise<{ row: ServiceRow; trouble: string | null }> {
  const name = ControlledService.safeParse(row.name);
  if (!name.success) return { row, trouble: null };
  const outcome = await launcher.look(name.data, AbortSignal.timeout(lookMs));
  return outcome.status === 'done'
    ? { row: { ...row, container: outcome.container }, trouble: null }
    : { row, trouble: outcome.reason };
}
