import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './stack.ts';

/** All files of tests, relative to the project's folder. */
export function testFiles(): string[] {
  return globSync(['services/**/*.test.ts', 'test/**/*.test.ts'], {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  });
}

/** Whether a test's name, which is a quoted text and no comment, holds the id. @param file relative to the project's folder */
export function hasTestOf(id: string, file: string): boolean {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.some((line) => !/^\s*(?:\/\/|\/?\*)/.test(line) && new RegExp(`['"\`][^'"\`]*\\b${id}\\b`).test(line));
}
