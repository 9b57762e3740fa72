/**
 * A merge that a death interrupted can be ended neither way without a human.
 *
 * - `locked`: another git command holds a lock, or left one
 * - `half-merged`: a branch was moved by us and built upon since, another was moved elsewhere before it could follow
 */
export class MergeRecoveryError extends Error {
  readonly code: 'locked' | 'half-merged';
  readonly repositories: readonly string[];
  constructor(code: 'locked' | 'half-merged', repositories: readonly string[], name: string) {
    const places = repositories.map((repository) => `workspaces/${repository}`).join(', ');
    super(
      code === 'locked'
        ? `${places}: .git/${name} is held by another git command; if none runs, remove it`
        : `${places}: the ${name} were moved by others in the middle of a merge; bring each to the commit that you want with: git -C <workspace> log --all --oneline, then git merge --ff-only or git reset`,
    );
    this.name = 'MergeRecoveryError';
    this.code = code;
    this.repositories = repositories;
  }
}
