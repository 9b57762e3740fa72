import { createHmac } from 'node:crypto';
import { MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';
import { EnrolError } from './enrol-error.ts';
import type { Homeserver } from './homeserver.ts';

const registration = '/_synapse/admin/v1/register';
const Nonce = z.object({ nonce: z.string().max(1_024) });
const LoggedIn = z.object({ user_id: MatrixUserId, access_token: z.string().min(1) });
const Me = z.object({ user_id: MatrixUserId });

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

/** A token of that device; null when the password is not the user's. @throws EnrolError */
export async function login(
  homeserver: Homeserver,
  user: string,
  password: string,
  device: string,
): Promise<string | null> {
  const answer = await homeserver.call({
    method: 'POST',
    path: '/login',
    body: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
      device_id: device,
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

/** Whether the token is that user's and works. @throws EnrolError when that cannot be told now */
export async function isTokenOf(homeserver: Homeserver, token: string, user: string): Promise<boolean> {
  const answer = await homeserver.call({ method: 'GET', path: '/account/whoami', token, answer: Me });
  if (answer.status === 'ok') return answer.value.user_id === user;
  if (answer.code === 401 || answer.code === 403) return false;
  throw new EnrolError(`Synapse cannot say whose token it is: ${answer.code}. Run scripts/up again.`);
}
