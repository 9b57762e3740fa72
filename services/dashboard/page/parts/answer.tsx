import type { ComponentChildren, JSX } from 'preact';
import type { Resource } from '../api/resource.ts';
import { Foreign } from './foreign.tsx';

/** What a resource holds, or what is in the way of it. */
export function Answer<T>(properties: {
  readonly of: Resource<T>;
  readonly children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { of: resource, children } = properties;
  const data = resource.data.value;
  const problem = resource.problem.value;
  if (data !== null)
    return (
      <>
        {problem !== null && problem.status !== 0 && <Problem message={problem.message} />}
        {children(data)}
      </>
    );
  if (problem === null) return <p class="empty">Loading…</p>;
  return (
    <div class="stack">
      <Problem message={problem.message} />
      <div>
        <button type="button" onClick={resource.refresh}>
          Try again
        </button>
      </div>
    </div>
  );
}

function Problem({ message }: { readonly message: string }): JSX.Element {
  return (
    <p class="verdict failed" role="alert">
      <Foreign text={message} />
    </p>
  );
}
