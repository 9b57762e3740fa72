import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseYaml } from '../yaml-text.ts';
import { RoomSettings } from './room.ts';

const shipped = new URL('../../../../configs/room.yaml', import.meta.url);

test('what is left out is as shipped', () => {
  const parsed = parseYaml(readFileSync(shipped, 'utf8'), RoomSettings);
  expect(parsed).toEqual({ ok: true, value: RoomSettings.parse({ version: 1 }) });
});

test('quiet hours may go over midnight', () => {
  const quiet_hours = { from: '22:00', to: '07:00', time_zone: 'Europe/Berlin' };
  expect(RoomSettings.parse({ version: 1, quiet_hours })).toMatchObject({ quiet_hours });
});

test.each([
  ['reminders that go back', { reminder_minutes: [30, 20] }],
  ['a reminder twice', { reminder_minutes: [30, 30] }],
  ['a reminder at once', { reminder_minutes: [0] }],
  ['a part of a minute', { escalation_minutes: 0.5 }],
  ['an hour that is none', { quiet_hours: { from: '24:00', to: '07:00', time_zone: 'UTC' } }],
  ['a time without its zone', { quiet_hours: { from: '22:00', to: '07:00' } }],
  ['a zone that is none', { quiet_hours: { from: '22:00', to: '07:00', time_zone: 'Europe/Nowhere' } }],
  ['quiet hours without length', { quiet_hours: { from: '22:00', to: '22:00', time_zone: 'UTC' } }],
  ['a key that nobody knows', { quiet: true }],
])('%s is refused', (_, change) => {
  expect(RoomSettings.safeParse({ version: 1, ...change }).success).toBe(false);
});
