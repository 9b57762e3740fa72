import { markOf } from '../message/mark.ts';
import type { Random } from './random.ts';
import {
  bot,
  edit,
  otherRoom,
  type RawEvent,
  reaction,
  redaction,
  reply,
  room,
  said,
  saidAt,
  stranger,
} from './room-events.ts';
import type { World } from './world.ts';

export const tasks = ['aa', 'bb', 'cc'];

/** One more thing that somebody says, of the kinds that are and of those that are not decisions. */
export function speak(world: World, random: Random, name: string): void {
  const { room: home } = world;
  const task = random.pick(tasks) ?? '';
  const ids = home.events.flatMap(({ event_id }) => (event_id?.length > 1 ? [event_id.slice(1)] : []));
  const some = random.pick(ids) ?? 'nothing';
  const other =
    random.pick(ids.filter((id) => home.posted.every(({ event_id }) => event_id !== `$${id}`))) ?? 'nothing';
  const asked =
    random.pick(home.posted.filter(({ type }) => type === 'm.room.message').map(({ event_id }) => event_id.slice(1))) ??
    'nothing';
  const who: Partial<RawEvent> = random.onceIn(3)
    ? { sender: random.pick([stranger, bot, '@оperator:home.test']) ?? bot }
    : {};
  const verb = random.pick(['approve', 'reject', 'merge', 'rebase', 'Approve', 'Merge']) ?? '';
  const words =
    random.pick([
      task,
      `${task}.md`,
      `${task} now`,
      `${task} unverified`,
      'unverified',
      'zz',
      '',
      '../aa',
      `${task}\nx`,
    ]) ?? '';
  const sign = random.pick(['✅', '❌', '🔀', '👍']) ?? '';
  const kinds: (() => void)[] = [
    () => void home.say(said(name, `${verb} ${words}`, who)),
    () => void home.say(said(name, `${verb} ${task}`)),
    () => void home.say(said(name, `${random.pick(['approve', 'reject', 'merge'])} ${task}`)),
    () => void home.say(reaction(name, sign, asked, who)),
    () => void home.say(reaction(name, sign, some)),
    () => void home.say(reply(name, verb, asked, who)),
    () => void home.say(reply(name, `> <${bot}> approve bb\n\n${verb} ${words}`, asked)),
    () => void home.say(inThread(name, verb, some, asked)),
    () => void home.say(edit(name, `${verb} ${task}`, some, who)),
    () => home.redact(`$${other}`, redaction(name, other)),
    () => void home.say(said(name, `${verb} ${task}`, { room_id: random.pick([otherRoom, room]) ?? room })),
    () => void home.say(said(name, `${verb} ${task}`, { origin_server_ts: saidAt - 2 * 24 * 60 * 60 * 1000 })),
    () => void home.say(said(other, `${verb} ${task}`)),
    () => void home.say(said(name, `${random.pick(['cancel', 'Cancel', 'retry'])} ${words}`, who)),
    () => void home.say(said(name, `cancel ${task}`, who)),
    () => void home.say(reply(name, `cancel ${words}`, asked, who)),
    () => void home.say(said(name, random.pick(['pause', 'pause for lunch', 'resume', 'resume now']) ?? '', who)),
    () => home.redact(`$${other}`, redaction(name, other)),
    () => void home.say(random.pick([null, 5, {}, [], { event_id: 5 }])),
    () => void home.say(said(name, 'thanks', who)),
  ];
  random.pick(kinds)?.();
}

function inThread(name: string, body: string, root: string, to: string): RawEvent {
  const relation = { rel_type: 'm.thread', event_id: `$${root}`, 'm.in_reply_to': { event_id: `$${to}` } };
  return said(name, '', { content: { msgtype: 'm.text', body, 'm.relates_to': relation } });
}

/** The keys of the bot's messages, in the room's order. */
export function keysIn(world: World): (string | null)[] {
  return world.room.posted.map(({ content }) => markOf(content));
}
