import { readFileSync } from 'node:fs';
import type { JournalEvent } from '@countersign/contracts/event.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { wholeLength } from '@countersign/kit/chain-scan.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import type { Layout } from '../../../services/runner/src/state/layout.ts';
import type { Operator } from './scenario.ts';
import type { ScriptedRoom } from './scripted-room.ts';
import type { Taken } from './scripted-sandbox.ts';
import { eventsOf, queueFiles, runsOf, tasksByJournal, tasksByRecord } from './view.ts';

/** What a house at rest is checked against: what people did to it, and what its sandboxes were given and told. */
export type Witness = {
  readonly operator: Operator;
  readonly taken: readonly Taken[];
  readonly rooms: ReadonlyMap<string, ScriptedRoom>;
};

/** Everything that is not as it has to be, whenever no runner is at work; empty when all is well. */
export function findBroken(layout: Layout, witness: Witness): string[] {
  return [
    ...oneFileEach(layout, witness.operator),
    ...recordsAgree(layout),
    ...startsOnce(layout, witness.taken),
    ...startsApproved(layout),
    ...verdictsTold(layout, witness.operator),
    ...effectsOnce(layout),
    ...questionsKept(layout, witness.rooms.values()),
    ...journalsWhole(layout),
  ];
}

/** I1 and I7: every accepted task is one file in the folder of its state, and no file that was dropped is gone. */
function oneFileEach(layout: Layout, operator: Operator): string[] {
  const files = queueFiles(layout);
  const broken: string[] = [];
  for (const record of tasksByJournal(layout).values()) {
    const found = files.filter(({ text }) => sha256(text) === record.task_file);
    const paths = found.map(({ folder, name }) => layout.queue(folder).concat('/', name));
    if (paths.length !== 1 || paths[0] !== layout.fileOf(record))
      broken.push(`I1: ${record.id} is ${record.state.status} and lies at ${paths.join(' and ') || 'no place'}`);
  }
  for (const [name, text] of operator.dropped) {
    const found = files.filter((file) => file.text === text);
    if (found.length !== 1) broken.push(`I7: ${name} was dropped once and is there ${found.length} times`);
  }
  return broken;
}

/** I1: `task.json` says what the journal says. */
export function recordsAgree(layout: Layout): string[] {
  const records = tasksByRecord(layout);
  return [...tasksByJournal(layout).values()]
    .filter((record) => JSON.stringify(record) !== JSON.stringify(records.get(record.id)))
    .map((record) => `I1: the journal says that ${record.id} is ${record.state.status}, and task.json does not`);
}

type Started = { readonly event: JournalEvent; readonly record: TaskRecord };

function startsOf(events: readonly JournalEvent[]): Started[] {
  return events
    .filter(({ event }) => event === 'task_started')
    .map((event) => ({ event, record: TaskRecord.parse(event.data?.['record']) }));
}

/** I2: an attempt is started once, another only after it was said that the one before came to nothing, and no sandbox knows of more. */
function startsOnce(layout: Layout, taken: readonly Taken[]): string[] {
  const broken: string[] = [];
  const told = new Set<string>();
  for (const run of runsOf(layout)) {
    const events = eventsOf(layout.runJournal(run));
    const starts = new Map<string, number>();
    for (const { event, record } of startsOf(events)) {
      const known = starts.get(record.id) ?? 0;
      starts.set(record.id, known + 1);
      told.add(`${record.id} in ${String(event.data?.['sandbox'])}`);
      const said = events.filter(
        (one) => one.task_id === record.id && one.seq < event.seq && mayBeginAgain.has(one.event),
      );
      if (known > said.length) broken.push(`I2: ${record.id} was started ${known + 1} times, unsaid`);
    }
  }
  for (const { task, slot, mode } of taken)
    if (mode === 'run' && !told.has(`${task} in ${slot}`))
      broken.push(`I2: sandbox ${slot} runs ${task}, of which no journal tells`);
  return broken;
}

const mayBeginAgain: ReadonlySet<string> = new Set(['task_interrupted', 'task_requeued', 'task_retried']);

/** I3: what needs an approval starts under one that has its own line, given for what was asked. */
function startsApproved(layout: Layout): string[] {
  const accepted = new Set(
    eventsOf(layout.ownJournal).flatMap(({ event, data }) => (event === 'command_accepted' ? [data?.['command']] : [])),
  );
  return runsOf(layout).flatMap((run) => {
    const events = eventsOf(layout.runJournal(run));
    return startsOf(events).flatMap(({ event, record }) => {
      if (!record.gate || record.state.status !== 'running') return [];
      const { approval } = record.state;
      const isAsked = events.some(
        (one) => one.event === 'approval_requested' && one.seq < event.seq && one.data?.['digest'] === approval?.digest,
      );
      return approval !== null && accepted.has(approval.command) && isAsked
        ? []
        : [`I3: ${record.id} was started without an approval of its own`];
    });
  });
}

/** I4: a command whose file is gone has exactly one verdict. */
function verdictsTold(layout: Layout, operator: Operator): string[] {
  const events = eventsOf(layout.ownJournal);
  return [...operator.commands.keys()].flatMap((id) => {
    const verdicts = events.filter(
      ({ event, data }) => (event === 'command_accepted' || event === 'command_refused') && data?.['command'] === id,
    );
    const wanted = operator.isAnswered(id) ? 1 : verdicts.length;
    return verdicts.length === Math.min(wanted, 1) ? [] : [`I4: ${id} has ${verdicts.length} verdicts`];
  });
}

/** I4: what a command does it does once. */
function effectsOnce(layout: Layout): string[] {
  const effects = [layout.ownJournal, ...runsOf(layout).map((run) => layout.runJournal(run))]
    .flatMap((path) => eventsOf(path))
    .flatMap(({ event, data }) =>
      typeof data?.['command_id'] === 'string' ? [`${event} of ${data['command_id']}`] : [],
    );
  return effects.filter((effect, index) => effects.indexOf(effect) !== index).map((effect) => `I4: twice: ${effect}`);
}

/** I9: what a tool has heard stands in a journal, and what was asked, and how it ended, was written down once. */
function questionsKept(layout: Layout, rooms: Iterable<ScriptedRoom>): string[] {
  const told = runsOf(layout)
    .flatMap((run) => eventsOf(layout.runJournal(run)))
    .flatMap(({ event, data }) =>
      event === 'question_asked' || event === 'question_ended' ? [`${event} ${String(data?.['question'])}`] : [],
    );
  const heard = [...rooms].flatMap((room) =>
    room.heard.map((event) =>
      event.kind === 'question' ? `question_asked ${event.id}` : `question_ended ${event.question}`,
    ),
  );
  return [
    ...told.filter((event, index) => told.indexOf(event) !== index).map((event) => `I9: twice: ${event}`),
    ...heard
      .filter((event) => !told.includes(event))
      .map((event) => `I9: a tool was told what no journal says: ${event}`),
  ];
}

/** I5: every journal can be read, and none has a tail that was not wholly written. */
function journalsWhole(layout: Layout): string[] {
  return [layout.ownJournal, ...runsOf(layout).map((run) => layout.runJournal(run))].flatMap((path) => {
    if (eventsOf(path).length === 0) return [];
    const bytes = readFileSync(path);
    return wholeLength(bytes) === bytes.length ? [] : [`I5: ${path} has a torn tail`];
  });
}
