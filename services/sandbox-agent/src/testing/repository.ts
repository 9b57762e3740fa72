import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const identity = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.invalid'];
const env = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

/** Real git, as the operator's machine has it. */
export function operatorGit(folder: string, args: readonly string[], input?: Buffer): Buffer {
  return execFileSync('git', [...identity, ...args], {
    cwd: folder,
    env,
    maxBuffer: 1024 ** 3,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  });
}

/** A repository with two commits, and the pack of the second one alone, as the runner sends it. */
export function makeRepository(folder: string, name: string) {
  mkdirSync(folder, { recursive: true });
  operatorGit(folder, ['init', '-q', '-b', 'main']);
  writeFileSync(join(folder, 'secret.txt'), 'in the history only\n');
  operatorGit(folder, ['add', '-A']);
  operatorGit(folder, ['commit', '-q', '-m', 'first']);
  operatorGit(folder, ['rm', '-q', 'secret.txt']);
  writeFileSync(join(folder, 'readme.md'), `# ${name}\n`);
  operatorGit(folder, ['add', '-A']);
  operatorGit(folder, ['commit', '-q', '-m', 'second']);
  const baseHead = operatorGit(folder, ['rev-parse', 'HEAD']).toString().trim();
  const objects = operatorGit(folder, ['rev-list', '--objects', '--no-walk', baseHead]);
  const pack = operatorGit(folder, ['pack-objects', '-q', '--stdout'], objects);
  const sha256 = createHash('sha256').update(pack).digest('hex');
  return { name, folder, baseHead, pack, frame: { name, base_head: baseHead, pack: { bytes: pack.length, sha256 } } };
}

/** What the runner sends for a rebase: both ends with their trees, and the commits between `from` and `head` whole. */
export function rebaseOf(folder: string, name: string, ends: { baseHead: string; from: string; head: string }) {
  const { baseHead, from, head } = ends;
  const row = operatorGit(folder, ['rev-list', `${from}..${head}`])
    .toString()
    .split('\n')
    .filter(Boolean);
  const objects = operatorGit(folder, ['rev-list', '--objects', '--no-walk', baseHead, from, ...row]);
  const pack = operatorGit(folder, ['pack-objects', '-q', '--stdout'], objects);
  const sha256 = createHash('sha256').update(pack).digest('hex');
  const frame = { name, base_head: baseHead, pack: { bytes: pack.length, sha256 }, rebase: { from, head } };
  return { frame, pack };
}
