import type { Inspection } from '../container.ts';
import type { Engine, Volume } from '../engine.ts';
import { EngineError } from '../engine-error.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../policy.ts';
import type { Runtimes } from '../runtime.ts';
import type { ServiceInspection } from '../services/service-container.ts';
import { inspectionOf } from './inspection-of.ts';

/**
 * An engine in memory, answering as version 26.1.5 was seen to. What a test wants different is a field; what it wants to know
 * is in `containers` and `calls`.
 */
export class FakeEngine implements Engine {
  readonly containers = new Map<string, Inspection>();
  /** Containers that are no sandboxes, as Compose makes them. */
  readonly services = new Map<string, { labels: Record<string, string>; inspection: ServiceInspection }>();
  readonly calls: string[] = [];
  down: EngineError | null = null;
  images = new Map<string, Image>([['countersign/sandbox:local', exampleImage]]);
  volumes = new Map<string, Volume>([
    ['countersign_slots', { driver: 'local', options: {} }],
    ['countersign_model-slots', { driver: 'local', options: {} }],
  ]);
  registered: Runtimes = new Map([['runc', []]]);
  /** Slots that have a folder in both volumes; null when all have. */
  slotFolders: ReadonlySet<string> | null = null;
  /** What the engine makes of what it was asked for. */
  tamper: (inspection: Inspection) => Inspection = (inspection) => inspection;
  /** Awaited before a container is made, so that a test can hold two requests at that point. */
  beforeCreate: () => Promise<void> = async () => undefined;
  /** An engine that does not filter. */
  listsEverything = false;
  /** How many looks a removed container stays visible for. */
  removalLooks = 0;

  async version() {
    this.#called('version');
    return { engine: '26.1.5', api: '1.45' };
  }
  async runtimes() {
    this.#called('runtimes');
    return this.registered;
  }
  async image(reference: string) {
    this.#called('image');
    return this.images.get(reference) ?? null;
  }
  async volume(name: string) {
    this.#called('volume');
    return this.volumes.get(name) ?? null;
  }
  async create(name: string, options: ContainerOptions) {
    this.#called('create');
    await this.beforeCreate();
    if ([...this.containers.values()].some((container) => container.Name === `/${name}`))
      throw new EngineError('conflict', 'the name is in use');
    const id = `container-${this.containers.size}-${name}`;
    const image = [...this.images.values()].find((candidate) => candidate.id === options.Image);
    if (image === undefined) throw new EngineError('not-found', 'no such image');
    this.containers.set(id, this.tamper(inspectionOf(id, name, options, image)));
    return id;
  }
  async inspect(id: string) {
    this.#called('inspect');
    return this.containers.get(id) ?? null;
  }
  async inspectService(id: string) {
    this.#called('inspectService');
    return this.services.get(id)?.inspection ?? null;
  }
  async stop(id: string, seconds: number) {
    this.#called(`stop ${id} ${seconds}`);
    const service = this.services.get(id);
    if (service === undefined) throw new EngineError('not-found', 'no such container');
    if (service.inspection.State.Status !== 'running') throw new EngineError('conflict', 'it does not run');
    service.inspection.State.Status = 'exited';
  }
  async start(id: string) {
    this.#called('start');
    const service = this.services.get(id);
    if (service !== undefined) {
      if (service.inspection.State.Status === 'running') throw new EngineError('conflict', 'it runs already');
      service.inspection.State = { Status: 'running', StartedAt: '2026-11-20T11:00:00.123456789Z' };
      return;
    }
    const container = this.#container(id);
    const slot = container.Config.Labels['countersign.sandbox'] ?? '';
    if (this.slotFolders !== null && !this.slotFolders.has(slot))
      throw new EngineError('not-found', 'cannot access path: no such file or directory');
    container.State = { ...container.State, Status: 'running', StartedAt: '2026-11-20T10:00:01.000000000Z' };
  }
  async kill(id: string, name: string) {
    this.#called(`kill ${name}`);
    const container = this.#container(id);
    if (container.State.Status !== 'running') throw new EngineError('conflict', 'the container is not running');
    container.State = { ...container.State, Status: 'exited', ExitCode: 137 };
  }
  async remove(id: string) {
    this.#called('remove');
    if (this.removalLooks-- <= 0) this.containers.delete(id);
  }
  async list(labels: Readonly<Record<string, string>>) {
    this.#called('list');
    const all = [
      ...[...this.containers.values()].map(({ Id, Name, Config }) => ({ Id, Names: [Name], Labels: Config.Labels })),
      ...[...this.services].map(([Id, service]) => ({ Id, Names: [`/${Id}`], Labels: service.labels })),
    ];
    return all.filter(
      ({ Labels }) => this.listsEverything || Object.entries(labels).every(([name, value]) => Labels[name] === value),
    );
  }

  #called(name: string): void {
    this.calls.push(name);
    if (this.down !== null) throw this.down;
  }
  #container(id: string): Inspection {
    const container = this.containers.get(id);
    if (container === undefined) throw new EngineError('not-found', 'no such container');
    return container;
  }
}

export const exampleImage: Image = {
  id: `sha256:${'a1'.repeat(32)}`,
  layers: [`sha256:${'01'.repeat(32)}`, `sha256:${'02'.repeat(32)}`],
  config: {
    Env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
    Entrypoint: ['node', 'src/main.ts'],
    Cmd: null,
    User: '65532:65532',
    WorkingDir: '/app',
    Labels: { 'org.opencontainers.image.title': 'sandbox' },
    Volumes: null,
    ArgsEscaped: true,
  },
};
