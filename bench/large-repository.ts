/**
 * What the first run from a large repository costs: node bench/large-repository.ts [files] [history in MB]
 * Makes a repository of 100,000 files and 2 GB of history in a temporary folder (3 GB of room, some minutes) and measures what a run
 * does with it: the checkout's size, the pack of one commit, and the same pack a second time. It prints, and judges nothing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { basePack } from '../services/runner/src/git/base-pack.ts';
import { findBase, findRepository, measureCheckout } from '../services/runner/src/git/repository.ts';

const files = Number(process.argv[2] ?? 100_000);
const historyBytes = Number(process.argv[3] ?? 2_048) * 1024 * 1024;
const blobBytes = 8 * 1024 * 1024;

const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
try {
  const workspace = join(folder, 'large');
  execFileSync('git', ['init', '-q', '-b', 'main', workspace]);
  await measure('making the repository', () => fill(workspace));
  execFileSync('git', ['-C', workspace, 'reset', '-q', '--hard']);
  say(
    'git folder',
    execFileSync('du', ['-sh', join(workspace, '.git')])
      .toString()
      .split('\t')[0],
  );

  const repository = await measure('finding the repository', () =>
    findRepository(folder, 'large', process.getuid?.() ?? 0),
  );
  if (!repository.ok) throw new Error(repository.reason);
  const base = await measure('finding the base', () => findBase(repository.value, undefined));
  if (!base.ok) throw new Error(base.reason);
  const { head } = base.value;
  say('checkout', await measure('measuring the checkout', () => measureCheckout(repository.value, head)));
  const cache = join(folder, 'packs');
  const first = await measure('packing the base', () => basePack(cache, repository.value, head));
  say('pack of the current tree alone', first.bytes, 'bytes');
  await measure('packing it again', () => basePack(cache, repository.value, head));
  say('memory of this process', Math.round(process.resourceUsage().maxRSS / 1024), 'MB at most');
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** History first: large files that come and go, none of them in the last tree. */
async function fill(workspace: string): Promise<void> {
  const git = spawn('git', ['-C', workspace, 'fast-import', '--quiet'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const write = async (bytes: string | Buffer) => {
    if (!git.stdin.write(bytes)) await once(git.stdin, 'drain');
  };
  const commit = (message: string) =>
    write(
      `commit refs/heads/main\ncommitter A <a@example.invalid> 1700000000 +0000\ndata ${message.length}\n${message}\n`,
    );
  for (let written = 0; written < historyBytes; written += blobBytes) {
    await commit('history');
    await write(`M 100644 inline large.bin\ndata ${blobBytes}\n`);
    await write(randomBytes(blobBytes));
    await write('\n');
  }
  await commit('tree');
  await write('D large.bin\n');
  for (let index = 0; index < files; index += 1) {
    const text = `${randomBytes(512).toString('hex')}\n`;
    await write(`M 100644 inline d${index % 1_000}/f${index}.txt\ndata ${text.length}\n${text}\n`);
  }
  git.stdin.end();
  const [code] = await once(git, 'close');
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

async function measure<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const value = await work();
  say(what, Math.round(performance.now() - start), 'ms');
  return value;
}

function say(...words: readonly unknown[]): void {
  process.stdout.write(
    `${words.map((word) => (typeof word === 'object' ? JSON.stringify(word) : String(word))).join(' ')}\n`,
  );
}
