import type { ArtifactRow, Attempt, FilePiece } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { filePath } from '../api/file-path.ts';
import { useResource } from '../api/resource.ts';
import { followTask } from '../api/stream.ts';
import { Choice } from '../parts/choice.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Scrolls } from '../parts/scrolls.tsx';
import { AnsiText } from '../parts/terminal.tsx';
import { outputOf } from '../state/output.ts';
import { bytes } from '../text/format.ts';

const tailBytes = 256 * 1024;

/** What an attempt has written: as it comes while it is at work, and the end of its files afterwards. */
export function TaskLog(properties: {
  readonly task: string;
  readonly attempt: Attempt;
  readonly live: boolean;
}): JSX.Element {
  const { task, attempt, live } = properties;
  const logs = attempt.artifacts.filter(({ kind }) => kind === 'log');
  const [name, setName] = useState<string | null>(null);
  const chosen = logs.find((log) => log.name === name) ?? logs.find((log) => log.bytes > 0) ?? logs[0];
  useLayoutEffect(() => (live ? followTask(task) : undefined), [task, live]);
  const output = outputOf(task).value;
  if (live && output.attempt === attempt.attempt && output.text !== '' && name === null)
    return (
      <Scrolls class="terminal long follows" label="Output, as it comes">
        <div>
          <AnsiText text={output.text} />
        </div>
      </Scrolls>
    );
  if (chosen === undefined) return <p class="empty">Nothing was written yet.</p>;
  return (
    <>
      {logs.length > 1 && (
        <div class="log-files">
          <Choice
            label="Which file"
            of={logs.map((log) => ({
              value: log.name,
              words: (
                <>
                  <Foreign text={log.name} /> <span class="soft">{bytes(log.bytes)}</span>
                </>
              ),
            }))}
            chosen={chosen.name}
            onChoose={setName}
          />
        </div>
      )}
      <LogFile task={task} attempt={attempt.attempt} file={chosen} />
    </>
  );
}

function LogFile({ task, attempt, file }: { task: string; attempt: number; file: ArtifactRow }): JSX.Element {
  const path = filePath(task, attempt, file.name);
  const piece = useResource<FilePiece>(`${path}?from=-${tailBytes}`, ({ tasks }) =>
    tasks.some((row) => row.task === task),
  );
  const data = piece.data.value;
  if (data === null) return <p class="empty">{piece.problem.value?.message ?? 'Loading…'}</p>;
  return (
    <>
      {data.from > 0 && (
        <p class="small soft attempt-note">
          The last {bytes(data.to - data.from)} of {bytes(data.bytes)}.
        </p>
      )}
      <Scrolls class="terminal long follows" label={`Log ${file.name}`}>
        <div>{data.text === '' ? 'Empty.' : <AnsiText text={data.text} />}</div>
      </Scrolls>
    </>
  );
}
