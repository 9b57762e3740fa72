import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import type { Question } from '@countersign/contracts/question.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { ageOf } from './age.ts';
import type { MessageContent } from './content.ts';
import { keycaps } from './keycaps.ts';
import { requestMessage } from './request-message.ts';
import { inertFact, type Sentence } from './sentence.ts';

/**
 * What a task's tool asks: facts that we state, then how to answer, then the tool's words, each line marked so that none of them can
 * pass for ours. Pure.
 * @param may.decide whether anybody may answer for this stage in the room
 */
export function toolQuestionMessage(
  { id, file, stage, workspace }: TaskRecord,
  question: Question,
  may: { readonly decide: boolean },
): MessageContent {
  const { text, options, default: silence, asked_at: askedAt, deadline } = question;
  const lines = [
    ...inertLines(text),
    ...options.map((option, index) => `${index + 1}. ${option}`),
    ...(silence === null || options.length > 0 ? [] : [`without an answer: ${silence}`].flatMap(inertLines)),
  ];
  return requestMessage(() => ({
    title: 'The task asks you something',
    file,
    facts: [
      ['task', id],
      ['stage', stage],
      ['workspace', workspace],
      ['answer before', `${deadline}, within ${ageOf(askedAt, Date.parse(deadline))}`],
      ['without an answer', silenceWords(question)],
    ],
    step: may.decide ? answerHere(id, options.length, stage === secondFactorStage) : answerElsewhere(id, stage),
    words: {
      heading:
        'These are the words of the task’s tool, not of Countersign. An answer is told to it, and allows nothing',
      lines,
    },
    whole: 'scripts/countersign questions',
  }));
}

function silenceWords({ options, default: silence }: Question): string {
  if (silence === null) return 'the attempt is stopped, and what it did is kept';
  return options.length === 0
    ? 'the tool goes on with words of its own'
    : `it counts as ${options.indexOf(silence) + 1}`;
}

function answerHere(task: string, options: number, isWithCode: boolean): Sentence {
  if (isWithCode)
    return [
      { text: 'To answer, write ' },
      { text: `answer ${task} … CODE`, isCode: true },
      { text: ' with the six digits of the one-time code in place of CODE. To end the task, ' },
      { text: `cancel ${task}`, isCode: true },
      { text: '.' },
    ];
  const taps = keycaps.slice(0, options).join(' ');
  return [
    {
      text:
        options === 0
          ? 'To answer, reply to this message, or write '
          : `To answer, react ${taps} to this message, reply with one of them, or write `,
    },
    { text: `answer ${task} …`, isCode: true },
    { text: '. To end the task, ' },
    { text: `cancel ${task}`, isCode: true },
    { text: '.' },
  ];
}

function answerElsewhere(task: string, stage: string): Sentence {
  return [
    { text: `${inertFact(stage)} is not answered for in this room. At the machine, ` },
    { text: `scripts/countersign answer ${task} …`, isCode: true },
    { text: '.' },
  ];
}
