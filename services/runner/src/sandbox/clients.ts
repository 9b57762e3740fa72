import { GatewayHealth, Slot as GatewaySlot, ModelReport, type OpenSlot } from '@countersign/contracts/gateway-api.ts';
import {
  Profile,
  Refusal,
  Sandbox,
  SandboxList,
  type ToldOrder,
  ToldOrders,
} from '@countersign/contracts/launcher-api.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import type { Room } from '@countersign/contracts/task-room.ts';
import { ServiceError, SocketClient } from '@countersign/kit/socket-client.ts';

/** The launcher, as the runner uses it. Every call throws ServiceError when the launcher does not answer or refuses. */
export class Launcher implements AsyncDisposable {
  readonly #client: SocketClient;
  constructor(socketPath: string) {
    this.#client = new SocketClient('launcher', socketPath);
  }

  /** @param workspace whose own image counts, where the operator built one */
  profile(name: string, workspace: string | null = null): Promise<Profile> {
    const query = workspace === null ? '' : `?workspace=${encodeURIComponent(workspace)}`;
    return this.#client.request('GET', `/profiles/${encodeURIComponent(name)}${query}`, Profile);
  }

  start(profile: string, slot: SlotId, workspace: string | null = null): Promise<Sandbox> {
    return this.#client.request('POST', '/sandboxes', Sandbox, { body: { profile, slot, workspace } });
  }

  async list(): Promise<readonly Sandbox[]> {
    return (await this.#client.request('GET', '/sandboxes', SandboxList)).sandboxes;
  }

  /** Services that it was ordered to start or stop, newest last. */
  async orders(): Promise<readonly ToldOrder[]> {
    return (await this.#client.request('GET', '/orders', ToldOrders)).orders;
  }

  remove(slot: SlotId): Promise<undefined> {
    return this.#client.request('DELETE', `/sandboxes/${slot}`, null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

/** The gateway, as the runner uses it. */
export class Gateway implements AsyncDisposable {
  readonly #client: SocketClient;
  constructor(socketPath: string) {
    this.#client = new SocketClient('gateway', socketPath);
  }

  /** Safe to repeat; how a slot's way to the model comes back after the gateway was restarted. */
  openSlot(slot: SlotId, order: OpenSlot = {}): Promise<GatewaySlot> {
    return this.#client.request('PUT', `/slots/${slot}`, GatewaySlot, { body: order });
  }

  /** All that stands in the slot's room; safe to repeat. */
  tellRoom(slot: SlotId, room: Room): Promise<GatewaySlot> {
    return this.#client.request('PUT', `/slots/${slot}/room`, GatewaySlot, { body: room });
  }

  slot(slot: SlotId): Promise<GatewaySlot> {
    return this.#client.request('GET', `/slots/${slot}`, GatewaySlot);
  }

  closeSlot(slot: SlotId): Promise<undefined> {
    return this.#client.request('DELETE', `/slots/${slot}`, null);
  }

  model(): Promise<ModelReport> {
    return this.#client.request('GET', '/model', ModelReport);
  }

  health(): Promise<GatewayHealth> {
    return this.#client.request('GET', '/health', GatewayHealth);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

/** What another service said when it refused, for people. */
export function refusalOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return error instanceof Error ? error.message : String(error);
  const refusal = Refusal.safeParse(error.body);
  return refusal.success ? `${refusal.data.message} (${refusal.data.code})` : error.message;
}
