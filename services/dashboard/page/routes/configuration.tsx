import type { Configuration as ConfigurationAnswer } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Digest } from '../parts/digest.tsx';
import { Foreign, ForeignText } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { counted } from '../text/format.ts';

/** The files that the stack goes by, as they are; they are changed on the machine. */
export function Configuration(): JSX.Element {
  const configuration = useResource<ConfigurationAnswer>('/api/configuration');
  return (
    <>
      <Head title="Configuration" tab="Configuration" />
      <Answer of={configuration}>
        {({ files }) => (
          <div class="columns configuration">
            {files.map(({ name, sha256, text, masked }) => (
              <section key={name} class="sheet" aria-label={name}>
                <header>
                  <h2>
                    <Foreign text={name} />
                  </h2>
                  {masked > 0 && <span class="tag">{counted(masked, 'secret')} left out</span>}
                  <span class="soft small">
                    <Digest of={sha256} />
                  </span>
                </header>
                <div class="body">
                  <ForeignText text={text} label={`File ${name}`} />
                </div>
              </section>
            ))}
          </div>
        )}
      </Answer>
    </>
  );
}
