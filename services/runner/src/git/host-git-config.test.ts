import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { honestBundle } from '../testing/bundle.ts';
import { hostOperations } from '../testing/host-operations.ts';
import { beginImport } from '../testing/import-ground.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
import { tryGit } from './git.ts';

type Attack = {
  /** Of the repository's `.git/config`; `%s` is the program that leaves the trace. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More than settings. */
  readonly plant?: (folder: string, program: string) => void;
  /** A command by which plain git steps into the trap; null where there is none, which the attack's name explains. */
  readonly control: readonly string[] | null;
  readonly input?: string;
  /** The same command is harmless through our git; not so where only an option of each command helps. */
  readonly general?: false;
};

const attributes = (folder: string) =>
  writeFileSync(join(folder, '.git/info/attributes'), '* diff=planted filter=planted merge=planted\n');
const dirty = (folder: string) => {
  attributes(folder);
  writeFileSync(join(folder, 'README.md'), 'changed by the operator\n');
};
const hooksIn = (folder: string, program: string) => {
  mkdirSync(folder, { recursive: true });
  for (const hook of ['reference-transaction', 'post-index-change', 'post-checkout', 'pre-auto-gc', 'pre-commit']) {
    writeFileSync(join(folder, hook), `#!/bin/sh\n${program}\n`);
    chmodSync(join(folder, hook), 0o755);
  }
};
const updateRef = ['update-ref', 'refs/heads/trap', 'HEAD'];
const borrow = (folder: string) => {
  plainGit(join(folder, '..'), ['clone', '-q', '--bare', folder, 'lender.git']);
  writeFileSync(join(folder, '.git/objects/info/alternates'), '../../../lender.git/objects\n');
};

const attacks: readonly (readonly [string, Attack])[] = [
  ['S071 hooks', { plant: (folder, program) => hooksIn(join(folder, '.git/hooks'), program), control: updateRef }],
  [
    'S072 core.hooksPath',
    {
      plant: (folder, program) => {
        hooksIn(join(folder, '.git/planted'), program);
        plainGit(folder, ['config', 'core.hooksPath', '.git/planted']);
      },
      control: updateRef,
    },
  ],
  ['S072 core.fsmonitor', { settings: { 'core.fsmonitor': '%s' }, control: ['status'] }],
  ['S072 core.sshCommand', { settings: { 'core.sshCommand': '%s' }, control: ['ls-remote', 'ssh://host.invalid/x'] }],
  ['S072 core.gitProxy', { settings: { 'core.gitProxy': '%s' }, control: ['ls-remote', 'git://host.invalid/x'] }],
  [
    'S072 core.pager, for which plain git wants a terminal',
    { settings: { 'core.pager': '%s', 'pager.log': 'true', 'pager.diff': 'true' }, control: null },
  ],
  ['S072 core.editor', { settings: { 'core.editor': '%s' }, control: ['commit', '--amend', '--allow-empty'] }],
  ['S072 sequence.editor', { settings: { 'sequence.editor': '%s' }, control: ['rebase', '-i', 'HEAD~1'] }],
  ['S072 diff.external', { settings: { 'diff.external': '%s' }, control: ['diff', 'HEAD~1', 'HEAD'], general: false }],
  [
    'S072 diff.<driver>.command',
    {
      settings: { 'diff.planted.command': '%s' },
      plant: attributes,
      control: ['diff', 'HEAD~1', 'HEAD'],
      general: false,
    },
  ],
  [
    'S072 diff.<driver>.textconv',
    {
      settings: { 'diff.planted.textconv': '%s' },
      plant: attributes,
      control: ['diff', 'HEAD~1', 'HEAD'],
      general: false,
    },
  ],
  [
    'S072 filter.<driver>.clean',
    { settings: { 'filter.planted.clean': '%s' }, plant: dirty, control: ['add', 'README.md'], general: false },
  ],
  [
    'S072 filter.<driver>.smudge',
    { settings: { 'filter.planted.smudge': '%s' }, plant: attributes, control: ['archive', 'HEAD'], general: false },
  ],
  [
    'S072 filter.<driver>.process',
    { settings: { 'filter.planted.process': '%s' }, plant: dirty, control: ['add', 'README.md'], general: false },
  ],
  [
    'S072 merge.<driver>.driver',
    {
      settings: { 'merge.planted.driver': '%s' },
      plant: (folder) => {
        commitFiles(folder, { 'x.txt': 'theirs\n' });
        plainGit(folder, ['branch', 'theirs']);
        plainGit(folder, ['reset', '-q', '--hard', 'HEAD~1']);
        plainGit(folder, ['checkout', '-q', '-b', 'ours']);
        commitFiles(folder, { 'x.txt': 'ours\n' });
        plainGit(folder, ['symbolic-ref', 'HEAD', 'refs/heads/main']);
        attributes(folder);
      },
      control: ['merge-tree', '--write-tree', 'ours', 'theirs'],
      general: false,
    },
  ],
  [
    'S072 credential.helper',
    {
      settings: { 'credential.helper': '%s' },
      control: ['credential', 'approve'],
      input: 'protocol=https\nhost=host.invalid\nusername=x\npassword=x\n\n',
    },
  ],
  [
    'S072 alias of a command, and of one of our own commands',
    {
      settings: { 'alias.planted': '!%s', 'alias.rev-list': '!%s', 'alias.index-pack': '!%s', 'alias.diff': '!%s' },
      control: ['planted'],
      general: false,
    },
  ],
  [
    'S072 gpg.program',
    {
      settings: { 'gpg.program': '%s', 'commit.gpgSign': 'true', 'log.showSignature': 'true', 'user.signingKey': 'x' },
      control: ['commit', '--allow-empty', '-m', 'x'],
    },
  ],
  [
    'S072 include.path',
    {
      plant: (folder, program) => {
        writeFileSync(join(folder, '.git/more'), `[core]\n\tfsmonitor = ${program}\n`);
        plainGit(folder, ['config', 'include.path', 'more']);
      },
      control: ['status'],
    },
  ],
  [
    'S072 url.insteadOf with protocol.ext.allow',
    {
      settings: { 'url.ext::%s .insteadOf': 'https://', 'protocol.ext.allow': 'always' },
      control: ['ls-remote', 'https://host.invalid/x'],
    },
  ],
  [
    'S072 a remote that is a program, and objects that are to be fetched from it',
    {
      settings: {
        'core.repositoryFormatVersion': '1',
        'remote.origin.url': 'ext::%s',
        'remote.origin.promisor': 'true',
        'extensions.partialClone': 'origin',
        'protocol.ext.allow': 'always',
      },
      control: ['cat-file', '-p', '1'.repeat(40)],
    },
  ],
  [
    'S072 remote.<name>.uploadpack',
    { settings: { 'remote.origin.url': '.', 'remote.origin.uploadpack': '%s' }, control: ['fetch', 'origin'] },
  ],
  [
    'S072 core.alternateRefsCommand',
    { settings: { 'core.alternateRefsCommand': '%s' }, plant: borrow, control: ['rev-list', '--alternate-refs'] },
  ],
  [
    'S072 uploadpack.packObjectsHook, which git itself takes from nobody but the user',
    { settings: { 'uploadpack.packObjectsHook': '%s' }, control: null },
  ],
  [
    'S073 config.worktree',
    {
      plant: (folder, program) => {
        plainGit(folder, ['config', 'core.repositoryFormatVersion', '1']);
        plainGit(folder, ['config', 'extensions.worktreeConfig', 'true']);
        writeFileSync(
          join(folder, '.git/config.worktree'),
          `[core]\n\tfsmonitor = ${program}\n\thooksPath = planted\n`,
        );
      },
      control: ['status'],
    },
  ],
];

test.each(attacks)('%s: nothing is started by what we do, and plain git steps into it', async (_name, attack) => {
  const { folder, repository, sandbox, base } = await beginImport({ 'x.txt': 'x\n' });
  const witness = join(folder, 'witness');
  const program = join(folder, 'program');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> '${witness}'\nexit 1\n`);
  chmodSync(program, 0o755);
  const name = '* diff=planted filter=planted merge=planted\n';
  commitFiles(sandbox, { '.gitattributes': name, 'README.md': 'by the agent\n', 'x.txt': 'by the agent\n' });
  for (const [key, value] of Object.entries(attack.settings ?? {}))
    plainGit(repository.folder, ['config', key.replace('%s', program), value.replace('%s', program)]);
  attack.plant?.(repository.folder, program);

  const outcome = await hostOperations(folder, 'project', honestBundle(sandbox, base));
  // A repository that borrows objects is refused as a whole.
  expect(outcome).toMatchObject({ ok: attack.plant !== borrow });
  expect(existsSync(witness)).toBe(false);

  if (attack.control === null) return;
  const input = attack.input ?? '';
  if (attack.general !== false) {
    for (const [key, value] of [
      ['user.name', 'A'],
      ['user.email', 'a@example.org'],
    ] as const)
      plainGit(repository.folder, ['config', key, value]);
    expect(existsSync(witness)).toBe(false);
    await tryGit(repository.folder, attack.control, { input: Buffer.from(input), timeoutMs: 10_000 });
    expect(existsSync(witness)).toBe(false);
  }
  try {
    plainGit(repository.folder, attack.control, input);
  } catch {
    // The program fails, and git with it.
  }
  expect(existsSync(witness)).toBe(true);
});
