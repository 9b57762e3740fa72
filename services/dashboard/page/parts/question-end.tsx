import type { TaskQuestion } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { Foreign } from './foreign.tsx';
import { Mark } from './status.tsx';
import { Ago } from './time.tsx';

type Answer = NonNullable<TaskQuestion['answer']>;
const places = { shell: 'in the shell', matrix: 'in the room', dashboard: 'on the page' } as const;

/** How a question came to its end, and by whom. `given` is what was accepted here, where nobody has told the end itself yet. */
export function QuestionEnd({
  of: answer,
  given,
}: {
  readonly of: Answer | null;
  readonly given: string | null;
}): JSX.Element {
  const isAnswered = answer?.outcome === 'answered' || (answer === null && given !== null);
  return (
    <p class={`verdict ${isAnswered ? 'accepted' : 'stale'}`}>
      <Mark shape={isAnswered ? 'check' : 'clock'} />
      <span>{answer === null ? unknownEnd(given) : endOf(answer)}</span>
    </p>
  );
}

function unknownEnd(given: string | null): JSX.Element | string {
  if (given === null) return 'This question is over.';
  return (
    <>
      You answered “<Foreign text={given} />
      ”.
    </>
  );
}

function endOf(answer: Answer): JSX.Element {
  const when = <Ago at={answer.at} />;
  switch (answer.outcome) {
    case 'answered':
      return (
        <>
          <Foreign text={answer.user} /> answered “<Foreign text={answer.text} />” {places[answer.channel]}, {when}.
        </>
      );
    case 'default':
      return (
        <>
          Nobody answered in time. The tool was told its default, “<Foreign text={answer.text} />
          ”, {when}.
        </>
      );
    case 'stopped':
      return <>Nobody answered in time, and there is no default: the attempt was stopped {when}.</>;
    case 'withdrawn':
      return <>Who asked does not wait any more, {when}.</>;
  }
}
