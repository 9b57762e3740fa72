/**
 * Makes one file of each program of a service, which is a `main.ts` or `*-main.ts` below its `src/`: with all that it imports, ours
 * and others', without types and without what nothing uses. What several programs of a service share is a file beside them. It
 * starts in a quarter of the time that its modules take one by one, and keeps no compiler of TypeScript in memory.
 *
 *     node bundle.ts <folder of a service>
 *
 * `src/tool/main.ts` becomes `dist/tool/main.js`: as deep, so that what is named relative to a file of `src/` itself is found from
 * `dist/` as well. Not minified, for a line of a stack trace is to be read.
 */
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'rolldown';

const [, , service = '.'] = process.argv;
const source = join(service, 'src');
const programs = await Array.fromAsync(glob('**/{main,*-main}.ts', { cwd: source }));
if (programs.length === 0) throw new Error(`${source} has no main.ts`);
await build({
  input: Object.fromEntries(programs.map((path) => [path.replace(/\.ts$/, ''), join(source, path)])),
  platform: 'node',
  logLevel: 'warn',
  output: {
    dir: join(service, 'dist'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
});
