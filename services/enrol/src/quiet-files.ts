import { z } from 'zod';
import { EnrolError, type Report } from './enrol-error.ts';
import type { Homeserver } from './homeserver.ts';
import { botUser } from './names.ts';

/** Named for us, so that a second run finds it and no other rule of the operator's is touched. */
const rule = '/pushrules/global/override/org.countersign.files';

/**
 * Keeps files that the bot posts in the room from ringing: each stands beside a message that rings or is not to. It is a rule of the
 * operator's own, put in place by a session of his; setting it again changes nothing.
 * @returns whether it is in place; where it is not, that is told, and hinders nothing
 */
export async function quietFiles(
  homeserver: Homeserver,
  operator: string,
  room: string,
  report: Report,
): Promise<boolean> {
  const is = (key: string, pattern: string) => ({ kind: 'event_match', key, pattern });
  const conditions = [is('room_id', room), is('sender', botUser), is('content.msgtype', 'm.file')];
  try {
    const body = { conditions, actions: [] };
    await homeserver.must({ method: 'PUT', path: rule, token: operator, body, answer: z.object({}) });
    return true;
  } catch (error) {
    if (!(error instanceof EnrolError)) throw error;
    report(`files in the room ring like messages: ${error.message}`);
    return false;
  }
}
