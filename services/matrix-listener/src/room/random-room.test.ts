import type { Command } from '@countersign/contracts/command.ts';
import { expect, test } from 'vitest';
import { messageKey } from '../state/key.ts';
import { Random } from '../testing/random.ts';
import { keysIn, speak, tasks } from '../testing/random-talk.ts';
import { edit, operator, type RawEvent, redaction, room, saidAt } from '../testing/room-events.ts';
import { World } from '../testing/world.ts';
import { editedBy } from './relation.ts';

type Asked = { readonly task: string; readonly digest: string; readonly asks: 'approval' | 'review' };

/** A world in which things happen in an order that the seed decides, the listener's death among them. */
async function happen(seed: number) {
  const random = new Random(seed);
  const world = new World();
  const asked: Asked[] = [];
  const ask = async () => {
    const task = random.pick(tasks) ?? '';
    asked.push({ task, digest: await world.ask(task, `plan ${asked.length}`), asks: 'approval' });
  };
  const finish = async () => {
    const task = random.pick(tasks) ?? '';
    asked.push({ task, digest: await world.finish(task, `+${asked.length}`), asks: 'review' });
  };
  /** Somebody withdraws what was passed on as an approval. */
  const withdraw = (name: string) => {
    const given = random.pick(world.written.filter(({ kind }) => kind === 'approve'))?.evidence;
    if (given === undefined) return;
    if (random.onceIn(3)) world.room.say(edit(name, 'never mind', given.slice(1)));
    else world.room.redact(given, redaction(name, given.slice(1)));
  };
  world.room.manners.limit = 2 + random.below(8);
  for (let index = random.below(4); index > 0; index -= 1) speak(world, random, `before-${index}`);
  const firstStart = world.room.timeline.length;
  await world.live((life) => life.hear());
  for (let index = random.below(3); index > 0; index -= 1) await ask();
  await world.settle();
  for (let index = 0; index < 140; index += 1) {
    const name = `e${index}`;
    const acts: (() => Promise<void> | void)[] = [
      ...Array<() => void>(6).fill(() => speak(world, random, name)),
      ask,
      finish,
      finish,
      () => withdraw(name),
      () => void Object.assign(world, { isDirty: random.onceIn(2) }),
      () => world.live((life) => life.follow()),
      () => world.live((life) => life.hear()),
      () => world.live((life) => life.send()),
      () => world.turn(),
      () => world.turn(),
      () => world.runner(),
      () => world.live((life) => life.remind(world.tick() + 20_000)),
      () => world.restart(),
      () => world.dieAt({ step: 1 + random.below(4), when: random.onceIn(2) ? 'before' : 'after' }),
      () => world.room.forgetTransactions(),
      () => void Object.assign(world.room.manners, { redeliver: random.below(12) }),
    ];
    await random.pick(acts)?.();
  }
  await world.settle();
  return { world, asked, firstStart };
}

type Shown = Asked & { readonly event: string };

/**
 * The requests that the room has shown before a place in it, in its order: what the bot said with a task and a digest. What a
 * rebase brought is a result as well.
 */
function shownBefore(world: World, asked: readonly Asked[], place: number): Shown[] {
  const before = new Set(world.room.timeline.slice(0, place).map(idOf));
  return world.room.posted.flatMap(({ event_id, content }) => {
    const body = String(content['body']);
    const short = /^digest: ([0-9a-f]{8})$/m.exec(body)?.[1];
    const task = /^task: ([a-z]{2})$/m.exec(body)?.[1];
    if (short === undefined || task === undefined || !before.has(event_id)) return [];
    const found = asked.find(({ digest }) => digest.startsWith(short));
    const asks = body.startsWith('Approval required') ? ('approval' as const) : ('review' as const);
    return [{ task, digest: found?.digest ?? world.digestOf(short), asks, event: event_id }];
  });
}

/** Said plainly, and about nothing that it could decide. */
const nothing = 'nothing';

/** What a plain word or sign of the operator decides, as a person would read it; null where it is none or not plain. */
function plainMeaning({ content, type }: RawEvent, shown: readonly Shown[]): string | null {
  const relation = content['m.relates_to'] as Record<string, unknown> | undefined;
  if (type === 'm.reaction') {
    const verb = { '✅': 'approve', '❌': 'reject', '🔀': 'merge' }[String(relation?.['key'])];
    const target = shown.find(({ event }) => event === relation?.['event_id']);
    if (verb === undefined || target === undefined) return null;
    return (verb === 'merge') === (target.asks === 'review') ? `${verb} ${target.digest}` : nothing;
  }
  if (relation !== undefined) return null;
  const order = /^(?:(cancel) ([a-z]{2})(?:\.md)?(?: .*)?|(retry) ([a-z]{2})(?:\.md)?|(pause)(?: .*)?|(resume))$/i;
  const ordered = order
    .exec(String(content['body']))
    ?.slice(1)
    .filter((word) => word !== undefined);
  if (ordered !== undefined) return `${ordered[0]?.toLowerCase()} ${ordered[1] ?? ''}`;
  const typed = /^(approve|reject|merge|rebase) ([a-z]{2})(?:\.md)?$/i.exec(String(content['body']));
  if (typed === null) return null;
  const verb = typed[1]?.toLowerCase() ?? '';
  const asks = { approve: 'approval', merge: 'review', rebase: 'review' }[verb];
  const target = shown.findLast((each) => each.task === typed[2] && (asks === undefined || each.asks === asks));
  return target === undefined ? nothing : `${verb} ${target.digest}`;
}

/** Said by the operator, here, lately, and not an edit. */
function isSound({ sender, content, type, origin_server_ts: at, ...event }: RawEvent): boolean {
  const relation = content['m.relates_to'] as { rel_type?: unknown } | undefined;
  return (
    sender === operator &&
    (event['room_id'] ?? room) === room &&
    ['m.room.message', 'm.reaction'].includes(type) &&
    relation?.rel_type !== 'm.replace' &&
    !('m.new_content' in content) &&
    at >= saidAt
  );
}

function idOf(event: unknown): unknown {
  return (event as { event_id?: unknown } | null)?.event_id;
}

function meaningOf({ kind, subject }: Command): string {
  if ('digest' in subject) return `${kind} ${subject.digest}`;
  return `${kind} ${'task' in subject ? subject.task.replace(/\.md$/, '') : ''}`;
}

/** What an event withdraws: it takes it back, or is an edit of it by the same sender. */
function withdraws({ type, sender, content }: RawEvent, given: RawEvent): boolean {
  if (type === 'm.room.redaction') return content['redacts'] === given.event_id;
  return editedBy(content) === given.event_id && sender === given.sender;
}

/** An approval is taken back once when its event is withdrawn, by an event that does so, and otherwise never. */
function checkRevokes(world: World, seed: number): number {
  const firstSaid = new Map<unknown, RawEvent>();
  for (const event of world.room.originals)
    if (isEvent(event) && !firstSaid.has(event.event_id)) firstSaid.set(event.event_id, event);
  const revokes = Map.groupBy(
    world.written.filter(({ kind }) => kind === 'revoke'),
    ({ subject }) => ('command' in subject ? subject.command : ''),
  );
  const approvals = new Map(world.written.filter(({ kind }) => kind === 'approve').map((each) => [each.id, each]));
  for (const [id, written] of revokes) {
    const told = `seed ${seed}: ${JSON.stringify(written[0])}`;
    const approval = approvals.get(id);
    const [given, taken] = [firstSaid.get(approval?.evidence), firstSaid.get(written[0]?.evidence)];
    expect(new Set(written.map((command) => command.id)).size, told).toBe(1);
    expect(written[0]?.actor, told).toEqual(approval?.actor);
    expect(given !== undefined && taken !== undefined && withdraws(taken, given), told).toBe(true);
  }
  const hasEnded = (task: string) =>
    world.decided.some((verdict) => ['reject', 'cancel', 'merge'].some((kind) => verdict === `${kind} ${task}`));
  for (const { id, evidence, subject } of approvals.values()) {
    const given = firstSaid.get(evidence);
    const task = 'task' in subject ? subject.task : '';
    const isWithdrawn = [...firstSaid.values()].some((event) => given !== undefined && withdraws(event, given));
    if (world.verdictOn(id) !== `approve ${task}` || hasEnded(task)) continue;
    expect(revokes.has(id), `seed ${seed}: ${JSON.stringify(given)}`).toBe(isWithdrawn);
  }
  return revokes.size;
}

const blocks = Array.from({ length: 8 }, (_, block) => block);
test.each(blocks)(
  'A01 A08–A15 A18 A21 A22 whatever is said, told again or cut short, decisions count once and nothing else counts (%d)',
  async (block) => {
    let plain = 0;
    let merges = 0;
    let orders = 0;
    let revoked = 0;
    for (let seed = block * 10; seed < block * 10 + 10; seed += 1) {
      const { world, asked, firstStart } = await happen(seed);
      const { timeline } = world.room;
      const keys = keysIn(world);
      expect(new Set(keys).size, `seed ${seed}: each message once`).toBe(keys.length);
      revoked += checkRevokes(world, seed);
      const commands = Map.groupBy(
        world.written.filter(({ kind }) => kind !== 'revoke'),
        ({ evidence }) => evidence,
      );
      const heard = timeline.slice(firstStart);
      for (const evidence of commands.keys()) expect(heard.map(idOf), `seed ${seed}`).toContain(evidence);

      for (const [place, event] of timeline.entries()) {
        const id = idOf(event);
        // Who says the same id again says nothing.
        const isHeard = place >= firstStart && timeline.findIndex((other) => idOf(other) === id) === place;
        if (!isHeard || !isEvent(event)) continue;
        const told = `seed ${seed}: ${JSON.stringify(event)}`;
        const written = commands.get(event.event_id) ?? [];
        expect(new Set(written.map((command) => command.id)).size, told).toBeLessThanOrEqual(1);
        const shown = shownBefore(world, asked, place);
        const meanings = new Set(written.map(meaningOf));
        const wasEdited = world.room.originals.some((other) => isEvent(other) && editedBy(other.content) === id);
        const meaning = isSound(event) ? plainMeaning(event, shown) : null;
        if (!isSound(event) && !wasRedacted(event)) expect(meanings, told).toEqual(new Set());
        else if (meaning !== null && !wasEdited) {
          expect(meanings, told).toEqual(new Set(meaning === nothing ? [] : [meaning]));
          if (/^(?:cancel|retry|pause|resume) /.test(meaning)) orders += 1;
          else if (meaning.startsWith('merge ')) merges += 1;
          else if (meaning !== nothing) plain += 1;
        }
        for (const command of written) {
          if ('digest' in command.subject)
            expect(
              shown.map(({ digest }) => digest),
              told,
            ).toContain(command.subject.digest);
          // A tap that counted is answered by the message that it tapped.
          const isTap = event.type === 'm.reaction' && world.verdictOn(command.id) !== 'refused';
          if (!isTap) expect(keys, told).toContain(messageKey('verdict', command.id));
        }
      }
    }
    expect(plain).toBeGreaterThan(10);
    expect(merges).toBeGreaterThan(2);
    expect(orders).toBeGreaterThan(10);
    expect(revoked).toBeGreaterThan(0);
  },
  120_000,
);

function isEvent(event: unknown): event is RawEvent {
  return typeof idOf(event) === 'string';
}

/** Taken back at last; it may have been read before. */
function wasRedacted({ unsigned }: RawEvent): boolean {
  return unsigned !== undefined;
}
