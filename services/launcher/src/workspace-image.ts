import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { WorkspaceName } from '@countersign/contracts/names.ts';
import { compareFields, type Fields, isUnset, type Judged, show } from './compare-fields.ts';
import type { Image } from './image.ts';

/** Written by `scripts/countersign image`: whose image it is, and the SHA-256 of the Dockerfile that it was made from. */
const ourLabels = { workspace: 'countersign.workspace', dockerfile: 'countersign.dockerfile' } as const;

/**
 * The first say what is in an image, and nothing on the host acts on them. The others name the Compose project that built the
 * profile's image last, which any stack with the same tag may have done; a sandbox's options take them away.
 */
const indifferentLabel = /^org\.opencontainers\.image\.|^com\.docker\.compose\.(?:project|service|version)$/;

/** The repository's own content, what others can write, and what is no place for programs. */
const foreignFolders = ['/workspace', '/tmp', '/slot', '/model', '/proc', '/sys', '/dev'];

const judgedConfig: Judged = {
  // Both have rules of their own below.
  Env: () => true,
  Labels: () => true,
  Healthcheck: (value) => isUnset(value) || isDeepStrictEqual(value, { Test: ['NONE'] }),
  // The first says how Windows reads the command, the second what an image is built with: no container runs by them.
  ArgsEscaped: () => true,
  Shell: () => true,
};

/**
 * Why an image that a workspace's Dockerfile made must not take the place of a profile's own. What is in its files is the
 * sandbox's affair, which is hostile anyway. This is about what a container takes over from its image without being asked: it must
 * be exactly what it takes over from the profile's image, whatever key it is, so that VOLUME, HEALTHCHECK, ONBUILD, ENTRYPOINT,
 * CMD, USER, EXPOSE, STOPSIGNAL and what later engines know change nothing.
 *
 * Variables are refused altogether: the host's own runtimes and their hooks read some of an image's (`LD_PRELOAD`,
 * `NVIDIA_VISIBLE_DEVICES`), Node reads others before the agent's first line (`NODE_OPTIONS`), and none would reach a tool, whose
 * environment the agent makes. Only PATH may have further folders. Labels are refused as well, but for our own and
 * descriptive ones: other programs on the host act on containers' labels.
 *
 * @param own the profile's image
 * @returns one sentence for each reason; empty when it is fit
 */
export function findUnfitness(own: Image, image: Image, workspace: WorkspaceName): string[] {
  return [
    ...layerProblems(own.layers, image.layers),
    ...labelProblems(asFields(own.config['Labels']), asFields(image.config['Labels']), workspace),
    ...environmentProblems(own.config['Env'], image.config['Env']),
    ...compareFields('Config', own.config, image.config, judgedConfig),
  ];
}

function layerProblems(own: readonly string[], layers: readonly string[]): string[] {
  // Every list begins with an empty one.
  const derives = own.length > 0 && isDeepStrictEqual(layers.slice(0, own.length), own);
  return derives ? [] : ["it does not derive from the profile's image as that is now"];
}

function labelProblems(own: Fields, labels: Fields, workspace: WorkspaceName): string[] {
  const expected = { ...own, [ourLabels.workspace]: workspace };
  const mayDiffer = (key: string) => key === ourLabels.dockerfile || indifferentLabel.test(key);
  const judged = Object.fromEntries(
    Object.keys({ ...own, ...labels })
      .filter(mayDiffer)
      .map((key) => [key, () => true]),
  );
  return compareFields('Labels', expected, labels, judged);
}

function environmentProblems(own: unknown, variables: unknown): string[] {
  const [ours, theirs] = [splitPath(own), splitPath(variables)];
  if (ours === null || theirs === null) return [`Env is ${show(variables)}, which is no list with one PATH in it`];
  const added = theirs.others.filter((entry) => !ours.others.includes(entry));
  if (added.length > 0) return [`Env has ${show(added)}: an image may set no variable and change none but PATH`];
  if (!isDeepStrictEqual(ours.others, theirs.others))
    return [`Env is ${show(theirs.others)}, not ${show(ours.others)}`];
  return pathProblems(ours.path, theirs.path);
}

/** Null for what is not a list of texts with exactly one PATH: which of two would count is the engine's secret. */
function splitPath(variables: unknown): { path: readonly string[]; others: readonly string[] } | null {
  if (!Array.isArray(variables) || !variables.every((entry) => typeof entry === 'string')) return null;
  const isPath = (entry: string) => entry === 'PATH' || entry.startsWith('PATH=');
  const [path, ...more] = variables.filter(isPath);
  if (path === undefined || more.length > 0) return null;
  return { path: path.slice('PATH='.length).split(':'), others: variables.filter((entry) => !isPath(entry)) };
}

function pathProblems(own: readonly string[], path: readonly string[]): string[] {
  const start = path.findIndex((_, index) => isDeepStrictEqual(path.slice(index, index + own.length), own));
  if (start < 0) return [`PATH is ${show(path.join(':'))}, which does not hold ${show(own.join(':'))} in one piece`];
  const added = [...path.slice(0, start), ...path.slice(start + own.length)];
  return added
    .filter((folder) => !isProgramFolder(folder))
    .map((folder) => `PATH has ${show(folder)}, which is no folder of the image's own`);
}

function isProgramFolder(folder: string): boolean {
  if (!posix.isAbsolute(folder) || posix.normalize(folder) !== folder) return false;
  return !foreignFolders.some((foreign) => folder === foreign || folder.startsWith(`${foreign}/`));
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
