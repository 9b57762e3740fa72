/** What a runner does to a disk, one call at a time. `ordinal` counts the calls of this name on this path. */
export type Step = {
  readonly name: string;
  /** Relative to the ground, with everything that differs from run to run taken out. */
  readonly path: string;
  readonly ordinal: number;
  /** Whether it changes what is on the disk; a death beside one that does not is a death beside its neighbour. */
  readonly changes: boolean;
};

/** A step's name across runs: the same work does the same thing to the same path. */
export function keyOf({ name, path, ordinal }: Step): string {
  return `${name} ${path} #${ordinal}`;
}

/** Takes out of a path what chance or the day put into it. */
export function plainPath(ground: string, path: string): string {
  return path
    .replaceAll(`${ground}/`, '')
    .replaceAll(/RUN-\d{8}-/g, 'RUN-')
    .replaceAll(/\/proc\/self\/fd\/\d+/g, '<fd>')
    .replaceAll(/\/\.[0-9a-f]{16,24}(?=[./]|$)/g, '/.<temporary>')
    .replaceAll(/(?<=^|\/)[0-9a-f]{32}(?=\/|$)/g, '<slot>')
    .replaceAll(/(?<=objects\/)[0-9a-f]{2}\/[0-9a-f]{38}/g, '<object>');
}
