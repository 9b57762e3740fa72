import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { manifests } from '../support/manifests.ts';
import { root } from '../support/stack.ts';

/** The one service that can do anything to the host has to stay small enough to be read in an afternoon. */
const mostLines = 1_500;
const sources = globSync('services/launcher/src/**/*.ts', {
  cwd: root,
  exclude: (name) => name.endsWith('.test.ts') || name === 'testing' || name.endsWith('/testing'),
}).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

test('C11 the launcher has at most 1,500 lines of code', () => {
  expect(sources.length).toBeGreaterThan(20);
  const lines = sources.flatMap(({ text }) => text.split('\n')).filter((line) => !/^\s*(?:$|\/\/|\/?\*)/.test(line));
  expect(lines.length).toBeGreaterThan(1_000);
  expect(lines.length).toBeLessThanOrEqual(mostLines);
});

test('C11 it asks for three packages, starts no program, and opens nothing but sockets of its own and the engine’s', () => {
  const foreign = Object.keys(manifests().get('services/launcher')?.dependencies ?? {});
  expect(foreign.filter((name) => !name.startsWith('@countersign/')).sort()).toEqual(['dockerode', 'pino', 'zod']);
  const imports = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^(?:import|export)\b(?! type\b)[^;]*?\bfrom '([^.][^']*)';$/gm)].map(([, name = '']) => ({
      path,
      name,
    })),
  );
  const modules = new Set(imports.map(({ name }) => name).filter((name) => name.startsWith('node:')));
  expect([...modules].sort()).toEqual([
    'node:crypto',
    'node:events',
    'node:fs/promises',
    'node:path',
    'node:stream/consumers',
    'node:timers/promises',
    'node:util',
  ]);
  const importers = (name: string) => imports.filter((one) => one.name === name).map(({ path }) => path);
  expect(importers('dockerode')).toEqual(['services/launcher/src/engine.ts']);
  expect(importers('@countersign/kit/socket-server.ts')).toEqual(['services/launcher/src/launcher.ts']);
  const dynamic = /\bimport\(|\brequire\(|\beval\(|\bFunction\(|\.listen\(|process\.binding/;
  expect(sources.filter(({ text }) => dynamic.test(text)).map(({ path }) => path)).toEqual([]);
});
