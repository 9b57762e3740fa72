import { MemoryTaskId } from '@countersign/contracts/names.ts';
import type { Item } from './context-sections.ts';
import type { NewestHandoffs } from './handoffs.ts';
import { clipLine, sizeOf } from './quote.ts';

const lineBytes = 600;
const maximumLines = 8;

/** A handoff as the next one reads it: all of it is quoted, for its file may have been edited, and parts are the agent's words. */
export function handoffItem({ file, handoff }: NewestHandoffs['handoffs'][number]): Item {
  const { what, evidence, blocker, next, agent } = handoff;
  const durable = MemoryTaskId.safeParse(handoff.memory_task);
  const of = durable.success ? `${durable.data}, ` : '';
  const lines = [
    `title: ${handoff.title}`,
    `state: ${handoff.status}`,
    `what: ${what}`,
    ...evidence.changed.slice(0, maximumLines).map((line) => `changed: ${line}`),
    ...evidence.validation.slice(0, maximumLines).map((line) => `validation: ${line}`),
    `blocker: ${blocker}`,
    `next: ${next}`,
    ...(agent?.what === undefined ? [] : [`the agent said of what it did: ${agent.what}`]),
    ...(agent?.blocker === undefined ? [] : [`the agent said of what is in the way: ${agent.blocker}`]),
    ...(agent?.next === undefined ? [] : [`the agent said of what comes next: ${agent.next}`]),
  ];
  const text = [
    `### ${handoff.ended_at}: ${of}task ${handoff.task}, attempt ${handoff.attempt}`,
    '',
    ...lines.map((line) => `> ${clipLine(line.replaceAll('\n', ' '), lineBytes)}`),
  ].join('\n');
  return { label: `handoffs/${file} (${sizeOf(Buffer.byteLength(text))})`, text };
}
