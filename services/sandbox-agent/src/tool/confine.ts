import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

/** A path that a tool may not touch; the message goes to the model. */
export class PathRefused extends Error {
  readonly code = 'path-refused';
}

/**
 * Resolves a path of the model's inside a folder, links and all.
 * @param root the folder that it may not leave
 * @returns the real, absolute path; what is to be made need not exist yet
 * @throws PathRefused
 */
export async function confine(root: string, path: string, use: 'read' | 'write'): Promise<string> {
  if (path.includes('\0')) throw new PathRefused('a path with a NUL byte');
  const realRoot = await realpath(root);
  const real = await realOf(resolve(root, path));
  const inside = relative(realRoot, real);
  const parts = inside.split(sep);
  if (parts[0] === '..' || resolve(realRoot, inside) !== real)
    throw new PathRefused(`${path} is outside of the workspace`);
  if (use === 'write' && parts.some((part) => part.toLowerCase() === '.git'))
    throw new PathRefused(`${path} belongs to git; use git commands`);
  return real;
}

/** Follows every link of what exists, and hangs what does not exist below it. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw new PathRefused(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  // A link to nowhere would be followed by the write that is to come.
  if (await lstat(path).catch(() => undefined)) throw new PathRefused(`${path} is a link to what does not exist`);
  return join(await realOf(dirname(path)), basename(path));
}
