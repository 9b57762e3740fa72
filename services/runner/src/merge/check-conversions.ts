import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { exists, isMissing } from '@countersign/kit/files.ts';
import { foldName } from '../git/fold-name.ts';
import type { Change } from './changes.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import { hostMerge, refusal } from './refusal.ts';
import type { Settings } from './settings.ts';
import { type View, viewGit } from './view.ts';

const asked = ['text', 'eol', 'crlf', 'filter', 'ident', 'working-tree-encoding'];

/** Refused as `filters`: what only the operator's own git, with the operator's configuration, can write rightly. */
export async function checkSettings(
  target: MergeTarget,
  settings: Settings,
  changes: readonly Change[],
): Promise<MergeRefusal | null> {
  const refuse = (what: string, names: readonly string[]) => refusal(target, 'filters', what, hostMerge(target), names);
  const paths = (found: (change: Change) => boolean) => changes.filter(found).map(({ path }) => path);
  const written = paths((change) => change.new !== null);
  if (settings.workTree !== null) return refuse('core.worktree is set', [settings.workTree]);
  if (settings.sparse) return refuse('the checkout is a sparse one', []);
  const submodules = paths(({ old, new: side }) => old?.mode === '160000' || side?.mode === '160000');
  if (submodules.length > 0) return refuse('submodules change', submodules);
  const unspellable = paths(({ path }) => path.includes('\uFFFD'));
  if (unspellable.length > 0) return refuse('names that are not UTF-8 change', unspellable);
  const links = paths((change) => change.new?.mode === '120000' || change.old?.mode === '120000');
  if (!settings.symlinks && links.length > 0) return refuse('links change, and core.symlinks is off', links);
  const clash = settings.ignoreCase ? sameButForCase(changes) : [];
  if (clash.length > 0) return refuse('names change that differ only in case', clash);
  if (settings.autocrlf === 'true' || settings.crlf)
    return written.length === 0 ? null : refuse('line ends are converted (core.autocrlf or core.eol)', written);
  const attributesMissing = settings.attributesFile !== null && !(await exists(settings.attributesFile));
  if (attributesMissing) return refuse('core.attributesFile cannot be read here', [settings.attributesFile ?? '']);
  return null;
}

/** Changed paths, or folders above them, that a file system without case would take for one. */
function sameButForCase(changes: readonly Change[]): readonly string[] {
  const spellings = new Map<string, string>();
  const clashes = new Set<string>();
  for (const { path } of changes) {
    for (let part = path; part !== '.'; part = posix.dirname(part)) {
      const first = spellings.get(foldName(part)) ?? part;
      spellings.set(foldName(part), first);
      if (first !== part) clashes.add(part);
    }
  }
  return [...clashes];
}

/**
 * The paths among `paths` that attributes of the work tree, of the index, of `head`, or of the repository have converted when git
 * writes or reads them. `text` and `text=auto` alone change nothing where lines end as in the commit, so such a path counts only
 * when its content, old or new, has a carriage return before a line feed. @throws GitError
 */
export async function convertedPaths(
  view: View,
  target: MergeTarget,
  settings: Settings,
  changes: readonly Change[],
  paths: readonly string[],
): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  const judge = await makeJudge(view, target);
  const file = settings.attributesFile === null ? [] : ['-c', `core.attributesFile=${settings.attributesFile}`];
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''));
  const ask = async (...where: string[]) =>
    (await viewGit(judge, [...file, 'check-attr', '-z', '--stdin', ...where, ...asked], { input }))
      .toString('utf8')
      .split('\0');
  const answers = await ask();
  await viewGit(judge, ['read-tree', target.head]);
  answers.pop();
  answers.push(...(await ask('--cached')));
  const always = new Set<string>();
  const text = new Set<string>(settings.autocrlf === 'input' ? paths : []);
  for (let index = 0; index + 2 < answers.length; index += 3) {
    const [path = '', name = '', value = ''] = answers.slice(index, index + 3);
    if (value === 'unspecified' || value === 'unset' || value === '') continue;
    if (name === 'text' || name === 'crlf' || (name === 'eol' && value === 'lf')) text.add(path);
    else always.add(path);
  }
  for (const path of await withCarriageReturns(judge, changes, text)) always.add(path);
  return [...always];
}

/** A view whose attributes are the repository's own. */
async function makeJudge(view: View, target: MergeTarget): Promise<View> {
  const judge = { folder: `${view.folder}.attributes`, workTree: view.workTree };
  await rm(judge.folder, { recursive: true, force: true });
  for (const part of ['refs', 'objects/info', 'info']) await mkdir(join(judge.folder, part), { recursive: true });
  for (const part of ['config', 'HEAD', 'objects/info/alternates'])
    await copyFile(join(view.folder, part), join(judge.folder, part));
  try {
    await copyFile(join(view.folder, 'index'), join(judge.folder, 'index'));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const own = join(gitFolder(target.repository), 'info', 'attributes');
  const found = await stat(own).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (found?.isFile()) await copyFile(own, join(judge.folder, 'info', 'attributes'));
  return judge;
}

/** Of the paths that are text, those whose content has lines that end in both characters. */
async function withCarriageReturns(
  judge: View,
  changes: readonly Change[],
  text: ReadonlySet<string>,
): Promise<readonly string[]> {
  const sides = changes
    .filter(({ path }) => text.has(path))
    .flatMap(({ path, old, new: side }) => [old, side].flatMap((one) => (one === null ? [] : [{ path, ...one }])))
    .filter(({ mode }) => mode.startsWith('100'));
  if (sides.length === 0) return [];
  const names = sides.map(({ mode, oid }, index) => `${mode} ${oid}\t${index}\0`).join('');
  await rm(join(judge.folder, 'index'));
  await viewGit(judge, ['update-index', '-z', '--index-info'], { input: Buffer.from(names) });
  // An empty folder stands for the work tree: only what the index holds is asked about.
  const empty = join(judge.folder, 'refs');
  await writeFile(join(judge.folder, 'info', 'attributes'), '');
  const listing = await viewGit({ folder: judge.folder, workTree: empty }, ['ls-files', '--eol', '-z']);
  return listing
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      const [, kind, index] = /^i\/(\S*)\s.*\t(\d+)$/.exec(line) ?? [];
      const path = sides[Number(index)]?.path;
      return path !== undefined && (kind === 'crlf' || kind === 'mixed') ? [path] : [];
    });
}
