import { createHmac } from 'node:crypto';
import { MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';
import { EnrolError } from './enrol-error.ts';
import type { Homeserver } from './homeserver.ts';

const registration = '/_synapse/admin/v1/register';
const Nonce = z.object({ nonce: z.string().max(1_024) });
const LoggedIn = z.object({ user_id: MatrixUserId, access_token: z.string().min(1) });
const Me = z.object({ user_id: MatrixUserId, device_id: z.string().optional() });
const OwnDevice = Me.required();
const Devices = z.object({ devices: z.array(z.object({ device_id: z.string() })) });

/** True when the user was made; false when there is one of that name. @throws EnrolError */
export async function register(
  homeserver: Homeserver,
  secret: string,
  name: string,
  password: string,
): Promise<boolean> {
  const { nonce } = await homeserver.must({ method: 'GET', path: registration, answer: Nonce });
  const mac = createHmac('sha1', secret).update([nonce, name, password, 'notadmin'].join('\0')).digest('hex');
  const answer = await homeserver.call({
    method: 'POST',
    path: registration,
    // Without a session: nobody would close it.
    body: { nonce, username: name, password, admin: false, mac, inhibit_login: true },
    answer: z.object({ user_id: MatrixUserId }),
  });
  if (answer.status === 'ok') return true;
  if (answer.errcode === 'M_USER_IN_USE') return false;
  throw new EnrolError(
    `Synapse did not make @${name}: ${answer.code}. When its secrets were replaced, run scripts/up again, which restarts it.`,
  );
}

/**
 * A token of a device; null when the password is not the user's.
 * @param device null for one that is new
 * @throws EnrolError
 */
export async function login(
  homeserver: Homeserver,
  user: string,
  password: string,
  device: string | null,
): Promise<string | null> {
  const answer = await homeserver.call({
    method: 'POST',
    path: '/login',
    body: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
      ...(device === null ? {} : { device_id: device }),
      initial_device_display_name: 'Countersign',
    },
    answer: LoggedIn,
  });
  if (answer.status === 'ok' && answer.value.user_id === user) return answer.value.access_token;
  if (answer.status === 'refused' && answer.errcode === 'M_FORBIDDEN') return null;
  throw new EnrolError(
    `${user} cannot log in: ${answer.status === 'ok' ? 'the answer is for another user' : answer.code}.`,
  );
}

export async function logout(homeserver: Homeserver, token: string): Promise<void> {
  await homeserver.must({ method: 'POST', path: '/logout', token, body: {}, answer: z.object({}) });
}

/** Ends every session of a user, the token's own too. */
export async function endEverySession(homeserver: Homeserver, token: string): Promise<void> {
  await homeserver.must({ method: 'POST', path: '/logout/all', token, body: {}, answer: z.object({}) });
}

/** Ends a session; false when it had ended already. @throws EnrolError when that cannot be told now */
export async function endSession(homeserver: Homeserver, token: string): Promise<boolean> {
  const answer = await homeserver.call({ method: 'POST', path: '/logout', token, body: {}, answer: z.object({}) });
  if (answer.status === 'ok') return true;
  if (answer.code === 401) return false;
  const { name, again } = homeserver.manner;
  throw new EnrolError(`${name} does not end a session: ${answer.code}. When that has passed, ${again}.`);
}

/**
 * Ends every session of a user but the token's own, also those that nobody knows of; how many. @throws EnrolError
 */
export async function endOtherSessions(homeserver: Homeserver, token: string, password: string): Promise<number> {
  const own = await homeserver.must({ method: 'GET', path: '/account/whoami', token, answer: OwnDevice });
  const { devices } = await homeserver.must({ method: 'GET', path: '/devices', token, answer: Devices });
  const others = devices.map(({ device_id }) => device_id).filter((device) => device !== own.device_id);
  if (others.length === 0) return 0;
  const identifier = { type: 'm.id.user', user: own.user_id };
  await homeserver.must({
    method: 'POST',
    path: '/delete_devices',
    token,
    body: { devices: others, auth: { type: 'm.login.password', identifier, password } },
    answer: z.object({}),
  });
  return others.length;
}

/** Whether the token is that user's and works. @throws EnrolError when that cannot be told now */
export async function isTokenOf(homeserver: Homeserver, token: string, user: string): Promise<boolean> {
  return (await sessionOf(homeserver, token))?.user === user;
}

/** Whose session a token is, and of which device where the homeserver says it; null for a token that does not work. @throws EnrolError */
export async function sessionOf(
  homeserver: Homeserver,
  token: string,
): Promise<{ readonly user: string; readonly device: string | null } | null> {
  const answer = await homeserver.call({ method: 'GET', path: '/account/whoami', token, answer: Me });
  if (answer.status === 'ok') return { user: answer.value.user_id, device: answer.value.device_id ?? null };
  if (answer.code === 401 || answer.code === 403) return null;
  const { name, again } = homeserver.manner;
  throw new EnrolError(`${name} cannot say whose token it is: ${answer.code}. When that has passed, ${again}.`);
}

/** Why somebody cannot log in, and what to do. @param place of the password, for people */
export function lostPassword(user: string, place: string): string {
  return [
    `${user} cannot log in: ${place} is not the password, or is not any more.`,
    'When it was changed in a Matrix client, write the new one there and run scripts/up again.',
    "When it is lost: scripts/down --volumes forgets the stack's own Synapse with its users and its room; scripts/up then makes them anew.",
  ].join('\n');
}
