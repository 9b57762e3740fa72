import { inertJson, inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import type { Question } from '@countersign/contracts/question.ts';
import { openQuestion, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { parseCommandLine } from '../arguments.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { runnerAbsence } from '../status-rows.ts';
import { type Context, print } from '../terminal.ts';

/** `questions`: what the tools of running tasks ask and nobody has answered yet, the oldest first. */
export async function questions(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { config, stdout, stderr } = context;
  const { records } = await readTaskRecords(config.volumes);
  const asking = records
    .flatMap((record) => {
      const question = openQuestion(record);
      return question === null ? [] : [{ record, question }];
    })
    .sort((a, b) => (a.question.asked_at < b.question.asked_at ? -1 : 1));
  const absence = await runnerAbsence(config.volumes);
  if (values.json === true) {
    const rows = asking.map(({ record: { id, file, workspace, stage }, question }) => ({
      task: id,
      file,
      workspace,
      stage,
      question,
    }));
    print(stdout, inertJson(rows));
    if (absence !== null) print(stderr, absence);
    return exitCodes.ok;
  }
  const lines = asking.flatMap(({ record, question }, index) => [
    ...(index === 0 ? [] : ['']),
    ...questionLines(record, question),
  ]);
  print(stdout, ...(lines.length === 0 ? ['nobody asks anything'] : lines));
  if (absence !== null) print(stdout, absence);
  return exitCodes.ok;
}

/** A question: our facts, then the tool's words, each line marked, and how it is answered. */
export function questionLines(record: TaskRecord, question: Question): string[] {
  const { options, deadline, id } = question;
  const silence = question.default === null ? 'then it is stopped' : `then the answer is ${question.default}`;
  const what = options.length === 0 ? '<text>' : '<option or its number>';
  return [
    `${record.id} (${inertLine(record.file)}), stage ${inertLine(record.stage)}, workspace ${record.workspace}`,
    `waits until ${deadline}; ${inertLine(silence)}`,
    'These are the words of the tool, not of Countersign:',
    ...inertLines(question.text).map((line) => `| ${line}`),
    ...options.map((option, index) => `  ${index + 1}  ${inertLine(option)}`),
    `Answer: countersign answer ${record.id} --question ${id.slice(0, 8)} ${what}`,
  ];
}
