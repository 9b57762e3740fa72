import { questionLimits } from '@countersign/contracts/limits.ts';
import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { type CommandState, useCommand } from '../api/command.ts';
import type { ShownQuestion } from '../state/questions.ts';
import { type AskedCode, CodeField, useCode } from './code-field.tsx';
import { Fact } from './fact.tsx';
import { Foreign, ForeignText } from './foreign.tsx';
import { QuestionEnd } from './question-end.tsx';
import { Left } from './time.tsx';
import { Verdict } from './verdict.tsx';

/** What a task's tool asks, in its own words, and the answers. What is sent names the question that is shown, and no other. */
export function QuestionCard(properties: {
  readonly shown: Omit<ShownQuestion, 'row'> & { readonly row: { readonly task: string } };
  readonly onAnswered?: () => void;
}): JSX.Element {
  const { shown, onAnswered } = properties;
  const { task } = shown.row;
  const { state, send } = useCommand(onAnswered);
  const code = useCode(shown.question.needs_code);
  const [given, setGiven] = useState('');
  const newer = state.value.status === 'stale' ? state.value.task?.row.question : null;
  // What came with the refusal stands in until the stream has told it.
  const question = newer?.id === shown.question.id ? newer : shown.question;
  const { status } = state.value;
  const isOver = shown.overAt !== null || question.answer !== null || status === 'stale';
  const isSent = status === 'sending' || status === 'sent' || status === 'accepted';
  // Of an answer that is on its way the end says more.
  const verdict: CommandState = isOver && isSent ? { status: 'idle' } : state.value;
  const answer = (text: string): void => {
    const taken = code.take();
    if (taken === null) return;
    setGiven(text);
    send({ kind: 'answer', task, question: question.id, answer: text, ...taken });
  };
  return (
    <>
      <figure class="question">
        <figcaption class="small soft">The tool asks, in its own words</figcaption>
        <ForeignText text={question.text} label="What the tool asks" />
      </figure>
      {!isOver && <Terms question={question} />}
      <div class="decide">
        <Verdict state={verdict} />
        <div class="verdict-slot" role="status">
          {isOver && <QuestionEnd of={question.answer} given={status === 'accepted' ? given : null} />}
        </div>
        {!isOver && <Answers question={question} code={code} isSent={isSent} onAnswer={answer} />}
      </div>
    </>
  );
}

/** How long there is, and what silence comes to. */
function Terms({ question }: Pick<ShownQuestion, 'question'>): JSX.Element {
  return (
    <dl class="facts">
      <Fact name="Time left">
        <Left until={question.deadline} />
      </Fact>
      <Fact name="If nobody answers">
        {question.default === null ? (
          'the attempt is stopped'
        ) : (
          <>
            the tool is told “<Foreign text={question.default} />”
          </>
        )}
      </Fact>
    </dl>
  );
}

function Answers(properties: {
  readonly question: ShownQuestion['question'];
  readonly code: AskedCode;
  readonly isSent: boolean;
  readonly onAnswer: (text: string) => void;
}): JSX.Element {
  const { question, code, isSent, onAnswer } = properties;
  const { options } = question;
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  const hint = useId();
  const say = (): void => {
    if (text.trim() === '') setMissing(true);
    else onAnswer(text.trim());
  };
  return (
    <>
      {options.length === 0 && (
        <label class="field">
          <span>Your answer</span>
          <textarea
            rows={2}
            maxLength={questionLimits.answerCharacters}
            value={text}
            disabled={isSent}
            aria-invalid={missing}
            aria-describedby={missing ? hint : undefined}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setMissing(false);
            }}
          />
          {missing && (
            <span class="wrong" role="alert" id={hint}>
              The tool waits for words: type what it is told.
            </span>
          )}
        </label>
      )}
      {question.needs_code && !isSent && (
        <CodeField code={code} onEnter={options.length === 0 ? say : () => undefined} />
      )}
      {options.length === 0 ? (
        <div class="decide-buttons">
          <button type="button" class="primary" disabled={isSent} onClick={say}>
            Answer
          </button>
        </div>
      ) : (
        <fieldset class="answers">
          <legend class="small soft">Answers that the tool offers</legend>
          {options.map((option) => (
            <button key={option} type="button" disabled={isSent} onClick={() => onAnswer(option)}>
              <Foreign text={option} />
            </button>
          ))}
        </fieldset>
      )}
    </>
  );
}
