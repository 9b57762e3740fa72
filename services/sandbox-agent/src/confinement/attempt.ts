/** What a sandbox runs in: the host's kernel, or gVisor's own between the two. */
export type Runtime = 'runc' | 'runsc';

/** One try to get out. */
export type Attempt = {
  /** What is tried, in few words. */
  readonly what: string;
  /** Resolves with what it reached, in words, or with null where it came to nothing. Rejects where it could not be tried. */
  readonly make: () => Promise<string | null>;
};

/** Errors of the system by which an attempt comes to nothing. */
type Codes = ReadonlySet<string>;

/**
 * What an operation reached that has to fail in one of these ways.
 * @param reached says it in words, where the operation succeeds
 * @returns the words, or those of an error that is none of these; null where it failed as it has to
 */
export async function mustFail(
  operation: () => unknown,
  codes: Codes,
  reached: string = 'it succeeded',
): Promise<string | null> {
  try {
    await operation();
    return reached;
  } catch (error) {
    const code = codeOf(error);
    return codes.has(code) ? null : `it failed otherwise than by being refused: ${code}`;
  }
}

/** What should not be there, in words; null where there is none of it. Pure. */
export function foundIn(names: readonly string[]): string | null {
  return names.length === 0 ? null : `there is ${names.join(', ')}`;
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
