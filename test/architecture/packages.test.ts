import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { lockedPackages, manifests, nameOf, neededBy } from '../support/manifests.ts';
import { root } from '../support/stack.ts';

const own = manifests();
const locked = lockedPackages();
const foreign = [...locked].filter(([folder, { link }]) => folder.includes('node_modules/') && !link);
const direct = [...own].flatMap(([folder, { dependencies, devDependencies, optionalDependencies }]) =>
  Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(([name, version]) => ({
    folder,
    name,
    version,
  })),
);
const settings = Object.fromEntries(
  readFileSync(join(root, '.npmrc'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('=', 2)),
);

test('C02 every package of the lockfile comes from the registry with a sha512, none from git, an address or a file', () => {
  expect(foreign.length).toBeGreaterThan(400);
  const sha512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
  expect(foreign.filter(([, { integrity = '' }]) => !sha512.test(integrity)).map(([folder]) => folder)).toEqual([]);
  // Without an address npm asks the registry of this machine's settings, and takes nothing but the bytes of the digest.
  const elsewhere = [...locked].filter(([, { resolved, link }]) => resolved !== undefined && !link);
  expect(elsewhere.map(([folder, { resolved }]) => `${folder}: ${resolved}`)).toEqual([]);
  const inexact = foreign.filter(([, { version = '' }]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?(?:\+[\w.]+)?$/.test(version));
  expect(inexact.map(([folder]) => folder)).toEqual([]);
  expect(settings).toMatchObject({ 'omit-lockfile-registry-resolved': 'true', 'allow-git': 'none' });
});

test('C02 what this project asks for by name it asks for in one exact version', () => {
  expect(direct.length).toBeGreaterThan(60);
  const inexact = direct.filter(({ version }) => !/^(?:npm:@?[\w/.-]+@)?\d+\.\d+\.\d+$/.test(version));
  expect(inexact).toEqual([]);
  const versions = Map.groupBy(direct, ({ name }) => name);
  const several = [...versions].filter(([, asked]) => new Set(asked.map(({ version }) => version)).size > 1);
  expect(several.map(([name]) => name)).toEqual([]);
});

test('C03 no package runs a script when it is installed, and none would that nobody has looked at', () => {
  expect(settings).toMatchObject({ 'ignore-scripts': 'true' });
  const would = foreign.filter(([, { hasInstallScript }]) => hasInstallScript).map(([folder]) => nameOf(folder));
  const { allowScripts = {} } = own.get('') ?? {};
  expect(Object.keys(allowScripts).sort()).toEqual([...new Set(would)].sort());
  expect(Object.values(allowScripts)).not.toContain(true);
  const lifecycle = /^(?:pre|post)|^(?:install|prepare|prepublish|dependencies)$/;
  for (const [folder, { scripts }] of own)
    expect([folder, Object.keys(scripts).filter((name) => lifecycle.test(name))]).toEqual([folder, []]);
});

test('C06 the list of all parts is made of the lockfile alone, and names the digest of each', async () => {
  const { stdout } = await execa('npm', ['run', '--silent', 'parts', '--', '--offline'], { cwd: root });
  const Component = z.object({
    name: z.string(),
    version: z.string(),
    hashes: z.array(z.object({ alg: z.literal('SHA-512'), content: z.string() })).default([]),
  });
  const list = z
    .object({ bomFormat: z.literal('CycloneDX'), components: z.array(Component) })
    .parse(JSON.parse(stdout));
  const digests = list.components.flatMap(({ hashes }) => hashes.map(({ content }) => content));
  expect([...new Set(digests)].sort()).toEqual(
    [...new Set(foreign.map(([, { integrity }]) => hexOf(integrity)))].sort(),
  );
  expect(list.components.map(({ name }) => name)).toEqual(expect.arrayContaining(['launcher', 'runner', 'gateway']));
});

test('C14 no image is made of more packages of others than are written down', () => {
  const counted = [...own.keys()].flatMap((folder) => {
    // What the bundles are made with stays in the stage that makes them.
    if (!folder.startsWith('services/')) return [];
    const service = folder.replace('services/', '');
    return [[service, neededBy(service, locked).size] as const];
  });
  // A package that brings others along is noticed here, and not only in a lockfile that nobody reads.
  expect(Object.fromEntries(counted)).toEqual({
    cli: 16,
    contracts: 2,
    dashboard: 102,
    door: 0,
    enrol: 16,
    gateway: 90,
    init: 32,
    kit: 16,
    // Five of them are empty, in the place of what dockerode brings along: ssh, gRPC and tar, which nothing here uses.
    launcher: 32,
    'matrix-listener': 32,
    'rehearsal-model': 88,
    runner: 39,
    'sandbox-agent': 18,
  });
});

test('C15 names of our own lead to our own folders, and to no package of that name', () => {
  const services = [...own].filter(([folder]) => folder !== '');
  expect(services.length).toBeGreaterThan(10);
  for (const [folder, manifest] of services) {
    expect(manifest).toMatchObject({ name: `@countersign/${basename(folder)}`, private: true });
    expect(locked.get(`node_modules/${manifest.name}`)).toMatchObject({ link: true, resolved: folder });
  }
  const ours = [...locked].filter(([folder]) => nameOf(folder).startsWith('@countersign/'));
  expect(ours.length).toBe(services.length);
});

test('C15 every package that is asked for by name is one that the README gives a reason for', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const tables = text.slice(text.indexOf('\n## Libraries\n'), text.indexOf('\n## Does not work yet\n'));
  const rows = [...tables.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, names = '']) => names.toLowerCase().split(', '));
  const told = new Set(rows);
  const others = direct.map(({ name }) => name).filter((name) => !told.has(name) && !name.startsWith('@countersign/'));
  const implied = ['@biomejs/biome', '@types/', 'react', 'testcontainers', 'typescript'];
  expect([...new Set(others)].filter((name) => !implied.some((one) => name.startsWith(one)))).toEqual([]);
});

test('C15 no package stands in for another one, but those that are meant to', () => {
  const renamed = foreign.filter(([folder, { name }]) => name !== undefined && name !== nameOf(folder));
  expect(renamed.map(([folder, { name }]) => `${nameOf(folder)} is ${name}`)).toEqual([
    // What only dockerode asks for, to build images and to reach an engine elsewhere: `overrides` of package.json.
    ...['ssh2', '@balena/dockerignore', '@grpc/grpc-js', '@grpc/proto-loader', 'tar-fs', 'protobufjs'].map(
      (name) => `${name} is empty-npm-package`,
    ),
    // The page's own choice; the others are what an older CommonJS form of the same package is called by its dependents.
    'react is @preact/compat',
    'string-width-cjs is string-width',
    'strip-ansi-cjs is strip-ansi',
    'wrap-ansi-cjs is wrap-ansi',
  ]);
});

/** The digest of `sha512-…`, as other tools write it. */
function hexOf(integrity = ''): string {
  return Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
}
