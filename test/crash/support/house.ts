import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, commandFileName, signCommand, type UnsignedCommand } from '@countersign/contracts/command.ts';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { type QueueFolder, queueFolders } from '@countersign/contracts/task-state.ts';
import type { RunnerConfig } from '../../../services/runner/src/config.ts';
import { Layout } from '../../../services/runner/src/state/layout.ts';
import { makeConfig, makeSentinel } from '../../../services/runner/src/testing/home.ts';
import { enrolCode } from '../../../services/runner/src/testing/one-time-code.ts';
import { commitFiles, plainGit } from '../../../services/runner/src/testing/repository.ts';
import { housesFolder } from './houses-folder.ts';
import type { Made, Scripts } from './scripted-sandbox.ts';

type Repository = {
  readonly folder: string;
  readonly base: string;
  readonly made: NonNullable<Made['bundles']>[number];
};

/** The task whose tool asks something before it does anything. */
export const asking = 'asker';

/** Repositories of the workspaces, by their path below `workspaces/`. */
const repositories = ['project', 'pair/one', 'pair/two'] as const;

/**
 * A home with two workspaces, one of a single repository and one of two, and everything around it that a runner is given. Made
 * once; every run works on a copy.
 */
export class House {
  readonly folder: string;
  readonly layout: Layout;
  readonly key: KeyObject;
  readonly keyId: string;
  readonly repositories: ReadonlyMap<string, Repository>;

  private constructor(folder: string, key: KeyObject, keyId: string, known: ReadonlyMap<string, Repository>) {
    this.folder = folder;
    this.layout = new Layout(join(folder, 'volumes'));
    this.key = key;
    this.keyId = keyId;
    this.repositories = known;
  }

  static build(): House {
    const folder = newFolder();
    const layout = new Layout(join(folder, 'volumes'));
    for (const name of queueFolders) mkdirSync(layout.queue(name), { recursive: true });
    for (const path of [layout.runs, layout.workspaces, layout.logs]) mkdirSync(path, { recursive: true });
    for (const name of ['slots', 'model-slots', 'spools/shell', 'secrets'])
      mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(layout.sentinel, JSON.stringify(makeSentinel()));
    // Sixteen MiB of it would be most of every copy.
    writeFileSync(layout.reserve, '');
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(join(folder, 'secrets/shell.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    // Otherwise the runner would write down, at a moment of its own, that there is none.
    enrolCode(join(folder, 'secrets'));
    const known = repositories.map((path) => [path, makeRepository(join(layout.workspaces, path))] as const);
    return new House(folder, privateKey, keyIdOf('shell', publicKey), new Map(known));
  }

  /** The same house at another place, to be changed there. */
  copy(): House {
    const folder = newFolder();
    cpSync(this.folder, folder, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    rmSync(join(folder, 'sockets'), { recursive: true, force: true });
    return new House(folder, this.key, this.keyId, this.repositories);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  config(sockets: Pick<RunnerConfig, 'launcherSocket' | 'gatewaySocket'>): RunnerConfig {
    const at = (name: string) => join(this.folder, name);
    const config = makeConfig({
      home: this.layout.home,
      slots: at('slots'),
      modelSlots: at('model-slots'),
      spools: at('spools'),
    });
    return { ...config, ...sockets, secrets: at('secrets') };
  }

  /** What sandboxes make of their tasks here: a change to every repository that they are given. */
  readonly scripts: Scripts = (task: TaskFrame): Made => {
    if (task.mode === 'plan') return { plan: '1. do it\n' };
    if (task.mode !== 'run') return {};
    const bundles = task.repositories.flatMap(({ base_head }) => {
      const repository = [...this.repositories.values()].find(({ base }) => base === base_head);
      return repository === undefined ? [] : [repository.made];
    });
    return task.task === asking
      ? { asks: { text: 'Which port?', options: ['8080', '9090'], default: null, deadline_sec: 600 }, bundles }
      : { bundles };
  };

  sign(id: string, what: Pick<UnsignedCommand, 'kind' | 'subject'>): Command {
    const now = Date.now();
    return signCommand(
      {
        version: 1,
        id,
        actor: { channel: 'shell', user: 'op' },
        evidence: 'argv',
        issued_at: new Date(now).toISOString(),
        expires_at: new Date(now + 3_600_000).toISOString(),
        key_id: this.keyId,
        ...what,
      } as UnsignedCommand,
      this.key,
    );
  }

  /** Whether files of these names lie in a folder of the queue. */
  isFiled(folder: QueueFolder, names: readonly string[]): boolean {
    return names.every((name) => existsSync(join(this.layout.queue(folder), name)));
  }

  fileOfCommand(command: Command): string {
    return join(this.folder, 'spools/shell', commandFileName(command));
  }
}

function newFolder(): string {
  return mkdtempSync(join(process.env[housesFolder] ?? tmpdir(), 'h'));
}

function makeRepository(folder: string): Repository {
  mkdirSync(folder, { recursive: true });
  plainGit(folder, ['init', '-q', '-b', 'main', '--template=']);
  const base = commitFiles(folder, { 'README.md': `${folder.slice(-3)}\n`, 'src/old.ts': 'export {};\n' }, 'first');
  const work = `${folder}.work`;
  plainGit(folder, ['clone', '-q', folder, work]);
  plainGit(work, ['switch', '-q', '-c', 'agent']);
  const head = commitFiles(work, { 'README.md': 'changed\n', 'src/new.ts': 'export const made = true;\n' }, 'work');
  execFileSync('git', ['bundle', 'create', '-q', 'result', `${base}..agent`], { cwd: work });
  const bytes = readFileSync(join(work, 'result'));
  rmSync(work, { recursive: true });
  return { folder, base, made: { head, bytes } };
}
