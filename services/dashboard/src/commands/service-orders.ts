import { createPublicKey, type KeyObject } from 'node:crypto';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import type { ControlledService } from '@countersign/contracts/services-api.ts';
import {
  ServiceContainer,
  ServiceRefusal,
  serviceOrderLimits,
  signServiceOrder,
} from '@countersign/contracts/services-api.ts';
import type { Giving } from '@countersign/kit/command-spool.ts';
import { ServiceError, SocketClient } from '@countersign/kit/socket-client.ts';
import type { ServiceRequest } from './asked-command.ts';

/** What the launcher did with an order, or says of a container; it may say nothing at all. */
export type OrderOutcome =
  | { readonly status: 'done'; readonly container: ServiceContainer }
  | { readonly status: 'refused' | 'silent'; readonly reason: string };

/** Starts, stops and looks at services of the stack by way of the launcher, which does it for a signature only. */
export class ServiceOrders implements AsyncDisposable {
  readonly #launcher: SocketClient;
  readonly #key: KeyObject;

  constructor(socketPath: string, key: KeyObject) {
    this.#launcher = new SocketClient('the launcher', socketPath);
    this.#key = key;
  }

  async order(
    { kind, service }: ServiceRequest,
    { id, actor: { user }, evidence, issuedMs }: Giving,
  ): Promise<OrderOutcome> {
    const order = signServiceOrder(
      {
        version: 1,
        id,
        kind,
        subject: { service },
        actor: { channel: 'dashboard', user },
        evidence,
        issued_at: new Date(issuedMs).toISOString(),
        expires_at: new Date(issuedMs + serviceOrderLimits.lifetimeMs).toISOString(),
        key_id: keyIdOf('dashboard', createPublicKey(this.#key)),
      },
      this.#key,
    );
    return await outcomeOf(() => this.#launcher.request('POST', '/orders', ServiceContainer, { body: order }));
  }

  async look(service: ControlledService, signal: AbortSignal): Promise<OrderOutcome> {
    return await outcomeOf(() => this.#launcher.request('GET', `/services/${service}`, ServiceContainer, { signal }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#launcher[Symbol.asyncDispose]();
  }
}

async function outcomeOf(ask: () => Promise<ServiceContainer>): Promise<OrderOutcome> {
  try {
    return { status: 'done', container: await ask() };
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'refused') {
      const refusal = ServiceRefusal.safeParse(error.body);
      return { status: 'refused', reason: refusal.success ? refusal.data.message : `it answered ${error.status}` };
    }
    return { status: 'silent', reason: 'the launcher does not answer: it is not running, or busy' };
  }
}
