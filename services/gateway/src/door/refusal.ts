import type { DoorError } from '@countersign/contracts/gateway-api.ts';

/** Why the door does not forward a request, or what kept the homeserver's answer away; `reason` holds no value of a request. */
export type DoorRefusal = {
  readonly status: number;
  readonly errcode: DoorError['errcode'];
  readonly reason: string;
};

export function notAllowed(reason: string, status = 403): DoorRefusal {
  return { status, errcode: 'COUNTERSIGN_NOT_ALLOWED', reason };
}

export function doorErrorBody({ errcode, reason }: Omit<DoorRefusal, 'status'>): string {
  return JSON.stringify({ errcode, error: reason } satisfies DoorError);
}
