import type { DiffFile } from '@countersign/contracts/diff-index.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Diff, Hunk } from 'react-diff-view';
import { Foreign } from '../parts/foreign.tsx';
import { Icon } from '../parts/icon.tsx';
import { Scrolls } from '../parts/scrolls.tsx';
import { Flags } from '../parts/task-line.tsx';
import { bytes } from '../text/format.ts';
import { firstLines, lineCount, readFilePatch } from './patch.ts';

const pageLines = 2_000;

/** Where a file stands on the page: by its place, for its name is somebody else's. */
export function fileId(repository: string, at: number): string {
  return `file-${repository.replaceAll(/[^A-Za-z0-9]/g, '_')}-${at}`;
}

/** One changed file: what deserves eyes is told before its lines. */
export function FileDiff(properties: {
  readonly id: string;
  readonly file: DiffFile;
  readonly patch: string | null;
  readonly open: boolean;
  readonly split: boolean;
}): JSX.Element {
  const { id, file, patch, open: openFirst, split } = properties;
  const [open, setOpen] = useState(openFirst);
  return (
    <details class="file" id={id} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron" size={16} />
        <span class={`change-mark ${file.status}`}>{file.status.charAt(0).toUpperCase()}</span>
        <span class="path">
          {file.old_path !== undefined && (
            <span class="soft">
              <Foreign text={file.old_path} /> →{' '}
            </span>
          )}
          <Foreign text={file.path} />
        </span>
        <span class="row small counts">
          {file.insertions !== null && <span class="tone-good">+{file.insertions}</span>}
          {file.deletions !== null && <span class="tone-bad">−{file.deletions}</span>}
          {file.old_mode !== file.new_mode && file.status === 'modified' && (
            <span class="soft">
              {file.old_mode} → {file.new_mode}
            </span>
          )}
        </span>
        {file.flags.length > 0 && (
          <span class="row flags">
            <Flags flags={file.flags} />
          </span>
        )}
      </summary>
      {open && <Lines file={file} patch={patch} split={split} />}
    </details>
  );
}

function Lines(properties: {
  readonly file: DiffFile;
  readonly patch: string | null;
  readonly split: boolean;
}): JSX.Element {
  const { file, patch, split } = properties;
  const [most, setMost] = useState(pageLines);
  const data = useMemo(() => (patch === null ? null : readFilePatch(patch)), [patch]);
  if (data === null) return <p class="empty">The patch does not show this file.</p>;
  if (data.hunks.length === 0)
    return (
      <p class="empty">
        {file.insertions === null
          ? `Binary or too large to be compared, ${bytes(file.bytes)}.`
          : 'No line was changed.'}
      </p>
    );
  const all = lineCount(data.hunks);
  const shown = firstLines(data.hunks, most);
  const oneSided = data.type === 'add' || data.type === 'delete';
  return (
    <Scrolls class="diff-scroll" label={`Changed lines of ${inertLine(file.path)}`}>
      <Diff viewType={split && !oneSided ? 'split' : 'unified'} diffType={data.type} hunks={shown} optimizeSelection>
        {(hunks) => hunks.map((hunk, at) => <Hunk key={at} hunk={hunk} />)}
      </Diff>
      {all > most && (
        <button type="button" class="plain" onClick={() => setMost(most + pageLines)}>
          Show more: {(all - most).toLocaleString('en')} lines are left
        </button>
      )}
    </Scrolls>
  );
}
