import type { RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import type { Attempt } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { RequestFailure } from '../api/client.ts';
import { Choice } from '../parts/choice.tsx';
import { Digest } from '../parts/digest.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { counted } from '../text/format.ts';
import '../design/diff.css';
import { FileDiff, fileId } from './file-diff.tsx';
import { type LoadedPatch, loadPatch } from './load-patch.ts';
import { patchFiles } from './patch.ts';

/** So many lines of all files together are open at first. */
const openLines = 1_500;
const largeFileLines = 400;
const splitQuery = '(min-width: 1400px)';

/** What an attempt changed, by repository and file, with what deserves eyes. */
export function DiffTab({ task, attempt }: { readonly task: string; readonly attempt: Attempt }): JSX.Element {
  const [split, setSplit] = useState(() => matchMedia(splitQuery).matches);
  useEffect(() => {
    const media = matchMedia(splitQuery);
    const follow = (): void => setSplit(media.matches);
    media.addEventListener('change', follow);
    return () => media.removeEventListener('change', follow);
  }, []);
  if (attempt.diff === null || attempt.diff.index.repositories.length === 0)
    return <p class="empty">Nothing was changed.</p>;
  const { digest, index } = attempt.diff;
  return (
    <div class="diff-tab">
      <div class="diff-head row">
        <span class="small soft">
          {counted(index.repositories.length, 'repository', 'repositories')}, digest <Digest of={digest} />
        </span>
        <Choice
          label="How the diff is shown"
          of={[
            { value: 'unified', words: 'Unified' },
            { value: 'split', words: 'Split' },
          ]}
          chosen={split ? 'split' : 'unified'}
          onChoose={(view) => setSplit(view === 'split')}
        />
      </div>
      {index.repositories.map((repository) => (
        <Repository key={repository.name} task={task} attempt={attempt.attempt} of={repository} split={split} />
      ))}
    </div>
  );
}

function Repository(properties: {
  readonly task: string;
  readonly attempt: number;
  readonly of: RepositoryDiff;
  readonly split: boolean;
}): JSX.Element {
  const { task, attempt, of: repository, split } = properties;
  const [patch, setPatch] = useState<LoadedPatch | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const aborter = new AbortController();
    setPatch(null);
    loadPatch(task, attempt, repository.patch.file, aborter.signal).then(setPatch, (error: unknown) => {
      if (!aborter.signal.aborted) setProblem(error instanceof RequestFailure ? error.message : 'It cannot be shown.');
    });
    return () => aborter.abort();
  }, [task, attempt, repository.patch.file, repository.patch.sha256]);

  const { files, totals } = repository;
  const pieces = patch === null ? [] : patchFiles(patch.text);
  const inOrder = repository.files_left_out === 0;
  let lines = 0;
  return (
    <section class="repository" aria-label={`Repository ${repository.name}`}>
      <header class="row">
        <h2>
          <Foreign text={repository.name} />
        </h2>
        <span class="soft small">
          <Foreign text={repository.branch} /> <code>{repository.base_head.slice(0, 8)}</code> →{' '}
          <code>{repository.head.slice(0, 8)}</code>
        </span>
        <span class="row small">
          {counted(totals.files, 'file')}
          <span class="tone-good">+{totals.insertions.toLocaleString('en')}</span>
          <span class="tone-bad">−{totals.deletions.toLocaleString('en')}</span>
          {totals.flagged > 0 && <span class="tone-warn">⚑ {counted(totals.flagged, 'file')} to look at</span>}
        </span>
      </header>
      <div class="diff-grid">
        <nav class="file-list" aria-label={`Files of ${repository.name}`}>
          <ul>
            {files.map((file, at) => (
              <li key={at}>
                <a href={`#${fileId(repository.name, at)}`}>
                  <span class={`change-mark ${file.status}`}>{file.status.charAt(0).toUpperCase()}</span>
                  <span class="clip path-tail">
                    <Foreign text={file.path} />
                  </span>
                  {file.flags.length > 0 && (
                    <span class="tone-warn">
                      ⚑<span class="hidden-text"> {counted(file.flags.length, 'flag')}</span>
                    </span>
                  )}
                </a>
              </li>
            ))}
          </ul>
          {repository.files_left_out > 0 && (
            <p class="soft small">{counted(repository.files_left_out, 'more file')} in the patch.</p>
          )}
        </nav>
        <div class="stack files">
          {problem !== '' && <p class="verdict failed">{problem}</p>}
          {patch === null && problem === '' && <p class="empty">Loading…</p>}
          {patch !== null &&
            files.map((file, at) => {
              const size = (file.insertions ?? 0) + (file.deletions ?? 0);
              const open = size <= largeFileLines && lines + size <= openLines;
              if (open) lines += size;
              const piece = inOrder ? pieces[at] : pieces.find((text) => text.includes(`b/${file.path}\n`));
              return (
                <FileDiff
                  key={at}
                  id={fileId(repository.name, at)}
                  file={file}
                  patch={piece ?? null}
                  open={open}
                  split={split}
                />
              );
            })}
          {patch !== null && !patch.whole && (
            <p class="soft small">The patch goes on: what is beyond this is not shown here.</p>
          )}
        </div>
      </div>
    </section>
  );
}
