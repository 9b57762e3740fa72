import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTarget } from '../testing/merge-ground.ts';
import { generator, randomRounds } from '../testing/random.ts';
import { plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import type { MergeTarget } from './merge-target.ts';
import { mergeTargets } from './merge-targets.ts';

const base = { edit: 'edit\n', same: 'same\n', gone: 'gone\n', 'dir/a': 'a\n', 'dir/b': 'b\n' };
const tracked = Object.keys(base);
const untracked = ['new', 'dir/new', 'dir', 'fresh/deep/file', 'fresh', 'unrelated', 'dir/unrelated'];

function result(folder: string): void {
  writeFileSync(join(folder, 'edit'), 'edited\n');
  writeFileSync(join(folder, 'dir/a'), 'edited too\n');
  rmSync(join(folder, 'gone'));
  writeFileSync(join(folder, 'new'), 'new\n');
  writeFileSync(join(folder, 'dir/new'), 'new\n');
  mkdirSync(join(folder, 'fresh/deep'), { recursive: true });
  writeFileSync(join(folder, 'fresh/deep/file'), 'new\n');
}

/** Somebody who works in the repositories; remembers everything that was written and not thrown away by the same hand. */
function human(random: () => number) {
  const written = new Map<string, string>();
  const commits: { folder: string; commit: string }[] = [];
  const done: string[] = [];
  let count = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const tryGit = (folder: string, ...args: string[]): boolean => {
    try {
      plainGit(folder, args);
      return true;
    } catch {
      return false;
    }
  };
  const giveUp = (path: string) => {
    if (existsSync(path) && lstatSync(path).isFile()) written.delete(readFileSync(path, 'utf8'));
  };
  const write = (folder: string, name: string) => {
    const path = join(folder, name);
    count += 1;
    const text = `the human's ${count}\n`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      giveUp(path);
      writeFileSync(path, text);
      written.set(text, folder);
    } catch (error) {
      // A folder lies there, or a file where a folder was meant to be: an editor would say so.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  };
  const actions: readonly [string, (folder: string) => void][] = [
    ['edit', (folder) => write(folder, pick(tracked))],
    ['untracked', (folder) => write(folder, pick(untracked))],
    [
      'remove',
      (folder) => {
        const path = join(folder, pick(tracked));
        giveUp(path);
        rmSync(path, { force: true });
      },
    ],
    [
      'append',
      (folder) => {
        const path = join(folder, pick(tracked));
        if (!existsSync(path)) return;
        giveUp(path);
        count += 1;
        appendFileSync(path, `the human's ${count}\n`);
        written.set(readFileSync(path, 'utf8'), folder);
      },
    ],
    [
      'stage',
      (folder) => {
        write(folder, pick(tracked));
        tryGit(folder, 'add', '-A');
      },
    ],
    [
      'commit',
      (folder) => {
        write(folder, pick([...tracked, 'unrelated']));
        tryGit(folder, 'add', '-A');
        if (!tryGit(folder, 'commit', '-q', '-m', 'of the human')) return;
        commits.push({ folder, commit: plainGit(folder, ['rev-parse', 'HEAD']) });
      },
    ],
    ['empty commit', (folder) => void tryGit(folder, 'commit', '-q', '--allow-empty', '-m', 'of the human')],
    ['switch', (folder) => void tryGit(folder, 'switch', '-q', pick(['main', 'other']))],
    ['new branch', (folder) => void tryGit(folder, 'switch', '-q', '-c', `mine-${count}`)],
    ['amend', (folder) => void tryGit(folder, 'commit', '-q', '--amend', '-m', 'of the human')],
    ['refresh', (folder) => void tryGit(folder, 'status')],
  ];
  const act = (folder: string, step: string) => {
    const [name, action] = pick(actions);
    action(folder);
    done.push(`${step}: ${name}`);
  };
  return { act, written, commits, done };
}

/** What plain git says, at the moment of the decision, with an index of its own. */
function expectFitToMerge(target: MergeTarget, scratch: string): void {
  const { folder } = target.repository;
  expect(plainGit(folder, ['rev-parse', 'main'])).toBe(target.base);
  if (plainGit(folder, ['rev-parse', '--symbolic-full-name', 'HEAD']) !== 'refs/heads/main') return;
  expect(plainGit(folder, ['diff-index', '--cached', target.base]), 'nothing is staged').toBe('');
  const view = [`--git-dir=${join(scratch, 'oracle')}`, `--work-tree=${folder}`];
  cpSync(join(folder, '.git'), join(scratch, 'oracle'), { recursive: true });
  rmSync(join(scratch, 'oracle/index'));
  rmSync(join(scratch, 'oracle/index.lock'));
  plainGit(folder, [...view, 'read-tree', target.head]);
  plainGit(folder, [...view, 'add', '-u']);
  expect(plainGit(folder, [...view, 'diff-index', '--cached', target.head]), 'the work tree is clean').toBe('');
  rmSync(join(scratch, 'oracle'), { recursive: true });
}

/** Everything that can be read in a repository and beside it: files, and every object that git has. */
function readable(folder: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const root of [folder, join(folder, '.git/countersign-kept')]) {
    if (!existsSync(root)) continue;
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true, encoding: 'utf8' })) {
      if (entry.isFile() && (root !== folder || !entry.parentPath.includes('/.git')))
        found.add(readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    }
  }
  return found;
}

function isKept(folder: string, text: string, files: ReadonlySet<string>): boolean {
  if (files.has(text)) return true;
  const oid = createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');
  return existsSync(join(folder, '.git/objects', oid.slice(0, 2), oid.slice(2)));
}

const { rounds, firstSeed } = randomRounds(40, 1_000);

test(`S083 ${rounds} interleavings of a human's work with merges, from seed ${firstSeed}`, async () => {
  const parent = scratchFolder();
  const template = makeTarget(join(parent, 'template'), 'project', base, result);
  plainGit(template.repository.folder, ['branch', 'other']);
  // Samples of hooks are most of the files of a small repository.
  rmSync(join(template.repository.folder, '.git/hooks'), { recursive: true });
  const outcomes = { merged: 0, refused: 0, late: 0 };
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) {
    const random = generator(seed);
    const ground = join(parent, `${seed}`);
    const targets = Array.from({ length: 1 + Math.floor(random() * 3) }, (_none, index) => {
      const folder = join(ground, `r${index}`);
      cpSync(template.repository.folder, folder, { recursive: true, preserveTimestamps: true });
      return { ...template, repository: { name: `r${index}`, path: `r${index}`, folder } };
    });
    const somebody = human(random);
    let decided = false;
    let late = false;
    // Most of the time nobody does anything: a merge that never succeeds would prove little.
    const eager = random() < 0.3 ? 0.15 : 0.02;
    const at = async (step: string) => {
      if (step === 'decided') {
        for (const target of targets) expectFitToMerge(target, ground);
        decided = true;
      }
      if (random() >= eager) return;
      late ||= decided;
      somebody.act(targets[Math.floor(random() * targets.length)]?.repository.folder ?? '', step);
    };
    const merged = await mergeTargets(targets, join(ground, 'scratch'), { at });
    const told = `seed ${seed}, ${merged.ok ? 'merged' : merged.refusals.map(({ code }) => code)}; ${somebody.done.join(', ')}`;
    expect(merged.ok, told).toBe(decided);
    for (const { repository, head } of targets) {
      const { folder } = repository;
      // Whoever rewrites the branch afterwards leaves in its log that the result was there.
      const history = plainGit(folder, ['log', '-g', '--format=%H', 'main']).split('\n');
      expect(history.includes(head), told).toBe(merged.ok);
      const names = readdirSync(join(folder, '.git'), { recursive: true, encoding: 'utf8' });
      expect(
        names.filter((name) => name.endsWith('.lock') || name === 'countersign-merge'),
        told,
      ).toEqual([]);
      if (merged.ok && !late && somebody.done.length === 0)
        expect(plainGit(folder, ['status', '--porcelain']), told).toBe('');
      const files = readable(folder);
      for (const [text, where] of somebody.written)
        if (where === folder) expect(isKept(folder, text, files), `${told}; lost: ${text}`).toBe(true);
    }
    for (const { folder, commit } of somebody.commits)
      expect(
        plainGit(folder, ['for-each-ref', `--contains=${commit}`, 'refs/heads']) +
          plainGit(folder, ['reflog', '--all', '--format=%H']),
        told,
      ).toContain(commit);
    outcomes[merged.ok ? (late ? 'late' : 'merged') : 'refused'] += 1;
    rmSync(ground, { recursive: true });
  }
  expect(outcomes.merged).toBeGreaterThan(rounds / 20);
  expect(outcomes.refused).toBeGreaterThan(rounds / 20);
}, 3_600_000);
