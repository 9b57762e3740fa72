import { inertLine } from '@countersign/contracts/inert-text.ts';
import { meantAnswer, type Question } from '@countersign/contracts/question.ts';
import { openQuestion, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { type Context, print } from '../terminal.ts';
import { questionLines } from './questions.ts';

const options = { ...spoolOptions, question: { type: 'string' } } as const;

/** `answer`: tells a task's tool one of the options that it offers, or any text where it offers none. */
export async function answer(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, options, { least: 2, most: Number.POSITIVE_INFINITY });
  const [name = '', ...rest] = positionals;
  const json = values.json === true;
  const record = await namedTask(context.config.volumes, name, (one) => openQuestion(one) !== null, 'answered');
  const question = shownQuestion(record, values.question);
  const meant = meantAnswer(question, rest.join(' '));
  if (meant === null) {
    const offered = question.options.map((option, index) => `${index + 1} ${option}`).join(', ');
    throw new CliError('refused', offered === '' ? 'that is no answer' : `${record.id} offers: ${offered}`);
  }
  // What is answered is seen before the answer goes: another question may have taken the place of the one that was looked at.
  if (!json) print(context.stderr, ...questionLines(record, question).slice(0, -1), `your answer: ${inertLine(meant)}`);
  return await issueCommand(
    context,
    { kind: 'answer', subject: { task: record.id, question: question.id, answer: meant } },
    { json, wait: values['no-wait'] !== true, evidence: `argv: answer ${words.join(' ')}` },
  );
}

/** @param wanted the beginning of a question's id; without one, whatever is asked now */
function shownQuestion(record: TaskRecord, wanted: string | undefined): Question {
  const question = openQuestion(record);
  if (question === null) throw new CliError('refused', `${record.id} asks nothing`);
  if (wanted === undefined) return question;
  if (!/^[0-9a-f]{4,16}$/.test(wanted))
    throw new CliError('usage', 'a question is named by the first 4 to 16 hexadecimal digits of its id');
  if (!question.id.startsWith(wanted))
    throw new CliError('refused', `${record.id} asks something else by now: countersign questions`);
  return question;
}
