import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Repository } from '../git/repository.ts';

const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Operator',
  GIT_AUTHOR_EMAIL: 'operator@example.org',
  GIT_COMMITTER_NAME: 'Operator',
  GIT_COMMITTER_EMAIL: 'operator@example.org',
};

/** Plain git, as an operator or an attacker would run it, with nothing of ours switched off. Returns what it printed, trimmed. */
export function plainGit(folder: string, args: readonly string[], input?: string | Buffer): string {
  return execFileSync('git', args, {
    cwd: folder,
    env: environment,
    maxBuffer: 1024 ** 3,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  })
    .toString('utf8')
    .trimEnd();
}

/** Writes files and commits them; returns the commit. */
export function commitFiles(folder: string, files: Readonly<Record<string, string>>, message = 'change'): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  plainGit(folder, ['add', '-A']);
  plainGit(folder, ['commit', '-q', '--allow-empty', '-m', message]);
  return plainGit(folder, ['rev-parse', 'HEAD']);
}

/** A repository with one commit on `main`. */
export function makeRepository(folder: string, name = 'project'): Repository & { readonly head: string } {
  mkdirSync(folder, { recursive: true });
  plainGit(folder, ['init', '-q', '-b', 'main']);
  const head = commitFiles(folder, { 'README.md': 'hello\n', 'src/main.ts': 'export {};\n' }, 'first');
  return { name, path: name, folder, head };
}

/** What a sandbox does with the pack that it is given: a working copy of one commit without history. */
export function checkoutPack(parent: string, packPath: string, base: string): string {
  const folder = mkdtempSync(join(parent, 'sandbox-'));
  plainGit(folder, ['init', '-q', '-b', 'agent']);
  execFileSync('sh', ['-c', 'git index-pack --stdin < "$0" >/dev/null', packPath], { cwd: folder, env: environment });
  writeFileSync(join(folder, '.git', 'shallow'), `${base}\n`);
  plainGit(folder, ['update-ref', 'refs/heads/agent', base]);
  plainGit(folder, ['reset', '-q', '--hard']);
  return folder;
}

/** Makes every way by which a repository's own configuration can start a program leave a trace at `witness`. */
export function plantPrograms(folder: string, witness: string): void {
  const script = join(folder, '.git', 'planted.sh');
  writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> '${witness}'\ncat\n`);
  chmodSync(script, 0o755);
  const hooks = join(folder, '.git', 'planted-hooks');
  mkdirSync(hooks);
  for (const hook of [
    'reference-transaction',
    'post-index-change',
    'fsmonitor-watchman',
    'post-checkout',
    'pre-auto-gc',
  ]) {
    for (const place of [hooks, join(folder, '.git', 'hooks')]) {
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, hook), `#!/bin/sh\necho ${hook} >> '${witness}'\n`);
      chmodSync(join(place, hook), 0o755);
    }
  }
  const settings = {
    'core.hooksPath': hooks,
    'core.fsmonitor': script,
    'core.pager': script,
    'core.sshCommand': script,
    'core.alternateRefsCommand': script,
    'diff.external': script,
    'diff.planted.command': script,
    'diff.planted.textconv': script,
    'filter.planted.clean': script,
    'filter.planted.smudge': script,
    'filter.planted.process': script,
    'alias.rev-list': `!${script}`,
    'alias.index-pack': `!${script}`,
    'gpg.program': script,
    'credential.helper': script,
    'gc.auto': '1',
    'maintenance.auto': 'true',
    'protocol.ext.allow': 'always',
    'remote.origin.url': `ext::${script}`,
    'remote.origin.promisor': 'true',
    'extensions.partialClone': 'origin',
  };
  plainGit(folder, ['config', 'core.repositoryFormatVersion', '1']);
  for (const [key, value] of Object.entries(settings)) plainGit(folder, ['config', key, value]);
  writeFileSync(join(folder, '.git', 'info', 'attributes'), '* diff=planted filter=planted\n');
}
