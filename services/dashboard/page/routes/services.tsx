import { confinementWords } from '@countersign/contracts/confinement-words.ts';
import type { ServiceRow, Services as ServicesAnswer } from '@countersign/contracts/page-api.ts';
import type { ControlledService } from '@countersign/contracts/services-api.ts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Fact } from '../parts/fact.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { ServiceState, Status } from '../parts/status.tsx';
import { Ago, Elapsed } from '../parts/time.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { queue } from '../state/store.ts';
import { counted } from '../text/format.ts';
import { confinementStates } from '../text/status-words.ts';

/** About as often as a service says how it is. */
const wordEveryMs = 5_000;

/** How each service is, and what starts and stops the two that may be. */
export function Services(): JSX.Element {
  const services = useResource<ServicesAnswer>('/api/services', (batch) => batch.troubles !== undefined, {
    everyMs: wordEveryMs,
  });
  return (
    <>
      <Head title="Services" tab="Services" />
      <Answer of={services}>
        {({ services: all, launcher }) => (
          <div class="stack">
            {launcher !== null && (
              <p class="verdict stale">
                <span>
                  The launcher cannot be asked, so containers are not shown: <Foreign text={launcher} />
                </span>
              </p>
            )}
            <div class="columns services">
              {all.map((service) => (
                <Service key={service.name} service={service} onDecided={services.refresh} />
              ))}
            </div>
            <Sandboxes />
          </div>
        )}
      </Answer>
    </>
  );
}

/** Whether anything got out of each kind of sandbox when that was tried last. */
function Sandboxes(): JSX.Element | null {
  const proofs = queue.value?.sandboxes ?? [];
  if (proofs.length === 0) return null;
  return (
    <section aria-labelledby="sandboxes">
      <div class="section-head">
        <h2 id="sandboxes">Sandboxes</h2>
      </div>
      <div class="columns">
        {proofs.map((proof) => (
          <article key={`${proof.profile} ${proof.image}`} class="sheet card" data-sandbox={proof.profile}>
            <div class="row between">
              <h3>
                <Foreign text={proof.profile} />
              </h3>
              <Status {...confinementStates[proof.status]} />
            </div>
            {proof.status !== 'confined' && (
              <p class="small soft">
                <Foreign text={confinementWords(proof)} />
              </p>
            )}
            <dl class="facts">
              <Fact name="Runtime">{proof.runtime === 'runsc' ? 'gVisor (runsc)' : 'runc'}</Fact>
              <Fact name="Image">
                <code>{proof.image.slice('sha256:'.length, 'sha256:'.length + 12)}</code>
                {proof.toolchain === 'workspace' && ' (a workspace’s own)'}
              </Fact>
              <Fact name="Tried">
                <Ago at={proof.at} />
              </Fact>
            </dl>
          </article>
        ))}
      </div>
    </section>
  );
}

function Service({
  service,
  onDecided,
}: {
  readonly service: ServiceRow;
  readonly onDecided: () => void;
}): JSX.Element {
  const { name, status, reason, report, container, controllable } = service;
  return (
    <article class="sheet card" data-service={name}>
      <div class="row between">
        <h2>
          <Foreign text={name} />
        </h2>
        <ServiceState status={status} />
      </div>
      {reason !== '' && (
        <p class="small soft">
          <Foreign text={reason} />
        </p>
      )}
      <dl class="facts">
        {report !== null && (
          <>
            <Fact name="Last word">
              <Ago at={report.ts} />
            </Fact>
            <Fact name="Up for">
              <Elapsed since={report.started_at} />
            </Fact>
          </>
        )}
        {container !== null && (
          <>
            <Fact name="Container">
              <Foreign text={container.state} />
              {container.restarts > 0 && <span class="tone-warn">, {counted(container.restarts, 'restart')}</span>}
            </Fact>
            <Fact name="Image">
              <code>
                <Foreign text={container.image} />
              </code>
            </Fact>
          </>
        )}
      </dl>
      {controllable && <Control service={service} onDecided={onDecided} />}
    </article>
  );
}

function Control({
  service,
  onDecided,
}: {
  readonly service: ServiceRow;
  readonly onDecided: () => void;
}): JSX.Element | null {
  const { state, send } = useCommand(onDecided);
  const [asking, setAsking] = useState<'start' | 'stop' | null>(null);
  const controlled = controlledOf(service.name);
  if (controlled === null) return null;
  const busy = state.value.status === 'sending' || state.value.status === 'sent';
  // Where nobody says how the container is, whatever still speaks runs, well or not.
  const up = service.container === null ? service.status !== 'silent' : !isDown.has(service.container.state);
  const words = { start: 'Start', stop: 'Stop' } as const;
  return (
    <div class="stack tight">
      <div class="row">
        <button type="button" disabled={busy || up} onClick={() => setAsking('start')}>
          Start<span class="hidden-text"> {service.name}</span>
        </button>
        <button type="button" class="danger" disabled={busy || !up} onClick={() => setAsking('stop')}>
          Stop<span class="hidden-text"> {service.name}</span>
        </button>
      </div>
      <Verdict state={state.value} decider="launcher" />
      {asking !== null && (
        <Sheet title={`${words[asking]} the ${controlled}?`} onClose={() => setAsking(null)}>
          <p>{consequences[controlled][asking]}</p>
          <div class="sheet-actions">
            <button type="button" onClick={() => setAsking(null)}>
              Back
            </button>
            <button
              type="button"
              class={asking === 'stop' ? 'danger' : 'primary'}
              onClick={() => {
                setAsking(null);
                send({ kind: asking === 'stop' ? 'service_stop' : 'service_start', service: controlled });
              }}
            >
              {words[asking]} it
            </button>
          </div>
        </Sheet>
      )}
    </div>
  );
}

/** In the engine's words; what is restarted again and again can be stopped. */
const isDown: ReadonlySet<string> = new Set(['created', 'exited', 'dead']);

const consequences: Readonly<Record<ControlledService, Readonly<Record<'start' | 'stop', string>>>> = {
  runner: {
    start: 'It takes up what waits, and decides what was sent meanwhile.',
    stop: 'What runs goes on in its sandbox and is taken in later. Nothing is begun or decided until it is started again.',
  },
  'matrix-listener': {
    start: 'The room is told again of what happens, and may decide.',
    stop: 'The room is told of nothing and may decide nothing until it is started again.',
  },
};

function controlledOf(name: string): ControlledService | null {
  return name === 'runner' || name === 'matrix-listener' ? name : null;
}
