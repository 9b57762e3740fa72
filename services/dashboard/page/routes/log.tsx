import type { Services } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useLocation, useRoute } from 'preact-iso';
import { useResource } from '../api/resource.ts';
import '../design/log.css';
import { LogView } from '../log/log-view.tsx';
import { Choice } from '../parts/choice.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';

/** The live log of each service. */
export function Log(): JSX.Element {
  const { params } = useRoute();
  const { route } = useLocation();
  const services = useResource<Services>('/api/services');
  const names = services.data.value?.services.map(({ name }) => name) ?? ['runner'];
  const service = params['service'] ?? names.find((name) => name === 'runner') ?? names[0] ?? 'runner';
  return (
    <div class="log-page">
      <Head title="Log" tab={`Log of ${service}`} />
      <div class="filters">
        <Choice
          label="Which service"
          of={names.map((name) => ({ value: name, words: <Foreign text={name} /> }))}
          chosen={service}
          onChoose={(name) => route(`/log/${encodeURIComponent(name)}`, true)}
        />
      </div>
      <LogView service={service} />
    </div>
  );
}
