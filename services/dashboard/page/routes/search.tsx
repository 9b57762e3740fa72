import type { SearchResults } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useLocation } from 'preact-iso';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { TaskLine } from '../parts/task-line.tsx';
import { counted } from '../text/format.ts';

const where = { task: 'in the task', plan: 'in the plan', handoff: 'in the handoff' } as const;

/** What was found in tasks, plans and handoffs, best first. */
export function Search(): JSX.Element {
  const { query } = useLocation();
  const words = (query['q'] ?? '').slice(0, 200);
  const results = useResource<SearchResults>(words === '' ? null : `/api/search?q=${encodeURIComponent(words)}`);
  return (
    <>
      <Head
        tab="Search"
        title={
          <>
            Search: <Foreign text={words} />
          </>
        }
      />
      {words === '' ? (
        <p class="empty">Nothing was asked for.</p>
      ) : (
        <Answer of={results}>
          {({ results: found }) => (
            <section class="sheet" aria-label="Found">
              <header>
                <p class="soft small" role="status">
                  {found.length === 0 ? 'Nothing was found.' : counted(found.length, 'result')}
                </p>
              </header>
              <ul>
                {found.map(({ row, found_in: foundIn, excerpt }, index) => (
                  <TaskLine key={index} row={row}>
                    <span class="reason">
                      <span class="tag">{where[foundIn]}</span>{' '}
                      {excerpt.map(({ text, found: hit }, piece) =>
                        hit ? (
                          <mark key={piece}>
                            <Foreign text={text} />
                          </mark>
                        ) : (
                          <Foreign key={piece} text={text} />
                        ),
                      )}
                    </span>
                  </TaskLine>
                ))}
              </ul>
            </section>
          )}
        </Answer>
      )}
    </>
  );
}
