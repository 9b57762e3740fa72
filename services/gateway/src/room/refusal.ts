/** Why a request of a task's room is not served, in Matrix's words; `reason` holds no value of the request. */
export type RoomRefusal = {
  readonly status: number;
  readonly errcode: 'M_FORBIDDEN' | 'M_BAD_JSON' | 'M_TOO_LARGE' | 'M_LIMIT_EXCEEDED' | 'M_UNRECOGNIZED' | 'M_UNKNOWN';
  readonly reason: string;
};

export function unrecognized(reason: string, status = 400): RoomRefusal {
  return { status, errcode: 'M_UNRECOGNIZED', reason };
}

export function exceeded(reason: string): RoomRefusal {
  return { status: 429, errcode: 'M_LIMIT_EXCEEDED', reason };
}

export function roomErrorBody({ errcode, reason }: Pick<RoomRefusal, 'errcode' | 'reason'>): string {
  return JSON.stringify({ errcode, error: reason });
}
