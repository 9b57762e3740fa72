import { execFile } from 'node:child_process';
import { lchown, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { exists, syncFolder } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError } from './init-error.ts';

export const firstWorkspace = 'mini-control-plane';

const gitMs = 30_000;

const executionPlan = `# Execution Plan

## Metadata
- id: test-001
- priority: low
- safe_mode: true

## Objective
Run a simple agent workflow test.

## Tasks
1. Create hello.txt with a message
2. Run git status
3. Generate a summary file

## Constraints
- Do not delete files
- Do not run destructive commands

## Expected Output
- hello.txt created
- agent-summary.md generated
`;

const readme = `# mini-control-plane

An example workspace: a git repository that tasks can be run in. A task without words of its own does what
\`.project/specs/execution-plan.md\` says:

    workspace: ${firstWorkspace}
    action: run
    stage: dev

Save these lines as a file that ends in \`.md\` and drop it into \`inbox/\`. Removing this folder is fine; it does not come back.
`;

/** True when the workspace was made; false when something of that name is there already. */
export async function makeFirstWorkspace(volumes: string, owner: Owner): Promise<boolean> {
  const target = join(volumes, 'workspaces', firstWorkspace);
  if (await exists(target)) return false;
  // Beside its place, so that one rename puts a whole repository there. What an interrupted start left is made anew.
  const draft = join(volumes, `.${firstWorkspace}.making`);
  await rm(draft, { recursive: true, force: true });
  await writeFiles(draft, { 'README.md': readme, '.project/specs/execution-plan.md': executionPlan });
  await git(draft, 'init', '--quiet', '--template=', '--initial-branch=main');
  await git(draft, 'add', '--all');
  await git(draft, 'commit', '--quiet', '--message=An example workspace and its execution plan');
  await giveAway(draft, owner);
  await rename(draft, target);
  await syncFolder(dirname(target));
  return true;
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true, mode: 0o755 });
    await writeFile(join(folder, name), text, { mode: 0o644, flag: 'wx' });
  }
}

/** Git with nobody's settings: neither the machine's nor a user's decide what is made here. */
async function git(folder: string, ...parameters: string[]): Promise<void> {
  const identity = { NAME: 'Countersign', EMAIL: 'countersign@localhost' };
  const people = ['AUTHOR', 'COMMITTER'].flatMap((role) =>
    Object.entries(identity).map(([key, value]) => [`GIT_${role}_${key}`, value]),
  );
  try {
    await promisify(execFile)('git', parameters, {
      cwd: folder,
      timeout: gitMs,
      env: {
        ...(process.env['PATH'] === undefined ? {} : { PATH: process.env['PATH'] }),
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        HOME: '/nonexistent',
        ...Object.fromEntries(people),
      },
    });
  } catch (cause) {
    throw new InitError(
      `git ${parameters[0]} in ${folder} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** Only ever of what was made here a moment ago: a workspace's content is the operator's. */
async function giveAway(path: string, owner: Owner): Promise<void> {
  if ((await lstat(path)).isDirectory())
    for (const name of await readdir(path)) await giveAway(join(path, name), owner);
  await lchown(path, owner.uid, owner.gid);
}
