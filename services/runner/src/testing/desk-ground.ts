import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel, Command } from '@countersign/contracts/command.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { Keys } from '../gate/keys.ts';
import { CommandDesk } from '../loop/command-desk.ts';
import { OwnPast } from '../loop/own-past.ts';
import { Clock, eventsOf, makeHome, makeKeys, openContext } from './home.ts';
import { digest, makeRecord, states } from './record.ts';

/** The task file that waits. */
export const taskText = 'workspace: project\n\nsay hello\n';

/** A desk that knows what the journal says by now. */
export async function openDesk(context: Context, keys: Keys, isActive?: () => boolean): Promise<CommandDesk> {
  return new CommandDesk(context, keys, await OwnPast.read(context.journal.path), isActive);
}

/**
 * A runner's desk with one task at its gate, and spools that a test delivers commands into.
 * @param prodInRoom persons who may decide on `prod` in the room
 */
export async function beginDesk(state: TaskState = states.pending, stage = 'staging', prodInRoom: string[] = []) {
  const home = makeHome();
  const clock = new Clock();
  const { keys, sign } = makeKeys();
  const { layout, spools } = home;
  let context = await openContext(home, clock, prodInRoom);
  let desk = await openDesk(context, keys);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, stage, gate: true, state });
  mkdirSync(layout.task(run, record.id), { recursive: true });
  writeFileSync(layout.fileOf(record), taskText);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  let count = 0;
  const deliver = (command: Command | string | Buffer, channel: Channel = 'shell') => {
    const bytes = typeof command === 'string' || Buffer.isBuffer(command) ? command : JSON.stringify(command);
    writeFileSync(join(spools, channel, `${String(++count).padStart(4, '0')}.json`), bytes);
  };
  return {
    ...home,
    clock,
    prodInRoom,
    keys,
    sign,
    run,
    record,
    deliver,
    turn: () => desk.turn(),
    /** Another task, in the same state. */
    add: async (id: string) => {
      const other = makeRecord({ id, file: `${id}.md`, dropped_as: `${id}.md`, run, stage, gate: true, state });
      mkdirSync(layout.task(run, id), { recursive: true });
      writeFileSync(layout.fileOf(other), taskText);
      await context.tasks.create(other, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
    },
    stateOf: (id: string) => context.tasks.get(id)?.state.status,
    openDesk: (known: typeof keys, isActive: () => boolean) => openDesk(context, known, isActive),
    state: () => context.tasks.get(record.id)?.state.status,
    task: () => context.tasks.get(record.id),
    openQueue: () => context.queue,
    verdicts: () =>
      eventsOf(layout.ownJournal).filter(({ event }) => event === 'command_accepted' || event === 'command_refused'),
    messages: () => eventsOf(layout.ownJournal).filter(({ event }) => event === 'message'),
    taskEvents: () => eventsOf(layout.runJournal(run)).map(({ event }) => event),
    /** The next runner, over the same disk. */
    restart: async () => {
      await context.close();
      context = await openContext(home, clock, prodInRoom);
      desk = await openDesk(context, keys);
    },
    /** The task is led to another state by somebody else, and the runner starts anew. */
    goBack: async (to: TaskState) => {
      await context.tasks.transition(record.id, to, {
        event: 'merge_refused',
        phase: 'merge',
        agent_role: 'runner',
        summary: 'x',
      });
      await context.close();
      context = await openContext(home, clock, prodInRoom);
      desk = await openDesk(context, keys);
    },
    approve: () => sign({ kind: 'approve', subject: { task: 'abcde', digest } }),
    reject: (reason = 'not now') => sign({ kind: 'reject', subject: { task: 'abcde', reason } }),
    send: (text = 'hello') => sign({ kind: 'send', subject: { text } }),
    submit: (file: string, content = taskText) => sign({ kind: 'submit', subject: { file, content } }),
    inShell: () => readdirSync(join(spools, 'shell')).sort(),
  };
}

/** Lets a desk die between the verdict and its effect: the verdict is in the journal, and nothing else has happened. */
export async function dieAfterVerdict(
  ground: Awaited<ReturnType<typeof beginDesk>>,
  command: Command,
  channel: Channel = 'shell',
): Promise<void> {
  const { layout, home, slots, spools, keys } = ground;
  await ground.restart();
  const context = await openContext({ layout, home, slots, spools }, ground.clock, ground.prodInRoom);
  const { append } = context.journal;
  class Death extends Error {}
  context.journal.append = async (body) => {
    const event = await append.call(context.journal, body);
    if (body.data?.['kind'] !== undefined) throw new Death('killed');
    return event;
  };
  ground.deliver(command, channel);
  await (await openDesk(context, keys)).turn();
  await context.close();
}
