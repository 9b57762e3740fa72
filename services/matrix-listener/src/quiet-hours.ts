import type { QuietHours } from '@countersign/contracts/config/room.ts';

/** Whether it is the time in which the room does not ring. Pure. @param now milliseconds since 1970 */
export function isQuiet(hours: QuietHours | null, now: number): boolean {
  if (hours === null) return false;
  const { from, to, time_zone: timeZone } = hours;
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const time = clock.format(now);
  return from < to ? from <= time && time < to : from <= time || time < to;
}
