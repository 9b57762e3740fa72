import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const dist = new URL('../../services/dashboard/page/dist/', import.meta.url);
type Manifest = Record<
  string,
  { readonly file: string; readonly isEntry?: boolean; readonly imports?: readonly string[] }
>;

/** The contract allows 150 kB; what is heavy is loaded when it is looked at. */
const mostBytes = 60_000;

test('the script that is loaded first is small', async () => {
  const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8')) as Manifest;
  const first = new Set<string>();
  const add = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined || first.has(chunk.file)) return;
    first.add(chunk.file);
    for (const imported of chunk.imports ?? []) add(imported);
  };
  for (const [name, { isEntry }] of Object.entries(manifest)) if (isEntry) add(name);
  const sizes = await Promise.all([...first].map(async (file) => gzipSync(await readFile(new URL(file, dist))).length));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  process.stderr.write(`initial JavaScript: ${bytes} bytes in gzip, ${first.size} files\n`);
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThan(mostBytes);
});

test('W29 what is built asks no other server, has no inline script or style, and no schema library', async () => {
  const files = await readdir(new URL('assets/', dist));
  const texts = await Promise.all(files.map((file) => readFile(new URL(`assets/${file}`, dist), 'utf8')));
  const index = await readFile(new URL('index.html', dist), 'utf8');
  const all = texts.join('\n');
  expect(all).not.toMatch(/insertAdjacentHTML|document\.write\(|new Function\(|[^.\w]eval\(/);
  expect(all).not.toContain('ZodError');
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
  expect(index).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/i);
  const addresses = new Set(all.match(/https?:\/\/[\w.-]+/g) ?? []);
  // A name of XML's own, and where a library's error sends its programmer: nobody asks there.
  const known = ['www.w3.org', 'github.com'];
  expect([...addresses].filter((address) => !known.includes(address.replace(/^https?:\/\//, '')))).toEqual([]);
});
