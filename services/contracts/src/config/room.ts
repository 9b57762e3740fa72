import { z } from 'zod';

const Minutes = z
  .int()
  .min(1)
  .max(60 * 24 * 90);
const Clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'not a time of day, which is for instance 22:00');

const QuietHours = z
  .strictObject({
    from: Clock,
    to: Clock,
    time_zone: z.string().refine(isTimeZone, 'not a time zone, which is for instance Europe/Berlin'),
  })
  .refine(({ from, to }) => from !== to, 'quiet hours begin and end at the same time; leave them out for none');
export type QuietHours = z.infer<typeof QuietHours>;

/** `configs/room.yaml`: when the room calls a person. What is left out is as shipped. */
export const RoomSettings = z.strictObject({
  version: z.literal(1),
  /** A decision that still waits after so long is called for again. */
  reminder_minutes: z
    .array(Minutes)
    .max(10)
    .refine(
      (all) => all.every((minutes, index) => index === 0 || minutes > (all[index - 1] ?? 0)),
      'not in rising order',
    )
    .default([30, 240]),
  /** After so long it is called for with the names of those who may decide. */
  escalation_minutes: Minutes.nullable().default(720),
  expiry_warning_minutes: Minutes.nullable().default(60),
  quiet_hours: QuietHours.nullable().default(null),
});
export type RoomSettings = z.infer<typeof RoomSettings>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
