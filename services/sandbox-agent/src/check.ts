import { git } from './git.ts';

/** Shows that a tool's least needs are met in this image: git and node. @throws Error when they are not */
export async function checkImage(): Promise<Record<string, string>> {
  const version = await git('/', [], ['--version'], { stop: AbortSignal.timeout(10_000) });
  return { status: 'ok', git: version.replace('git version ', ''), node: process.version };
}
