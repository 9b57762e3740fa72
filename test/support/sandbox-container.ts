import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';
import { describeSandbox, Inspection } from '@countersign/launcher/src/container.ts';
import { compile, containerName, type Ingredients, labels } from '@countersign/launcher/src/policy.ts';
import { makeModelSlot } from '@countersign/runner/src/sandbox/model-slot.ts';
import { newSlotId, Slot } from '@countersign/runner/src/sandbox/slot.ts';
import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { docker, sandboxImage } from './launcher-fixture.ts';

// The library would start a container of its own to clean up, from an image that is not here; the label does that instead.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] = '127.0.0.1';

export type Sizes = Partial<Omit<SandboxProfile, 'image' | 'runtime'>>;
const usualSizes = { memory_mb: 512, cpus: 2, pids: 64, workspace_mb: 64, tmp_mb: 64 } as const;

/** The launcher's own options, with one difference: the slot's two folders are of this host and no parts of volumes. */
class SandboxContainer extends GenericContainer {
  constructor(ingredients: Ingredients, slotFolder: string, modelFolder: string) {
    super(sandboxImage);
    const { HostConfig, ...options } = compile(ingredients);
    const { Mounts: _, ...hostConfig } = HostConfig;
    this.createOpts = { ...options, name: containerName(ingredients.project, ingredients.slot) };
    this.hostConfig = hostConfig;
    this.withNetworkMode(hostConfig.NetworkMode);
    this.withBindMounts([
      { source: slotFolder, target: '/slot', mode: 'ro' },
      { source: modelFolder, target: '/model', mode: 'ro' },
    ]);
  }
}

/** A sandbox that has said hello on its slot. */
export class Sandbox implements AsyncDisposable {
  readonly slot: Slot;
  /** Where `control.sock` is. */
  readonly slotFolder: string;
  /** Where `ollama.sock` belongs. */
  readonly modelFolder: string;
  readonly #container: StartedTestContainer;

  private constructor(slot: Slot, slotFolder: string, modelFolder: string, container: StartedTestContainer) {
    this.slot = slot;
    this.slotFolder = slotFolder;
    this.modelFolder = modelFolder;
    this.#container = container;
  }

  static async start(slots: string, modelSlots: string, project: string, sizes: Sizes): Promise<Sandbox> {
    const id = newSlotId();
    const slot = await Slot.open(slots, id);
    await makeModelSlot(modelSlots, id);
    const [slotFolder, modelFolder] = [join(slots, id), join(modelSlots, id)];
    const profile = { image: sandboxImage, runtime: 'runc' as const, warm: 0, ...usualSizes, ...sizes };
    const ingredients: Ingredients = {
      project,
      slotsVolume: 'none',
      modelSlotsVolume: 'none',
      epoch: randomBytes(8).toString('hex'),
      slot: id,
      profileName: 'test',
      profile,
      imageId: sandboxImage,
      runtime: 'runc',
    };
    const container = await new SandboxContainer(ingredients, slotFolder, modelFolder).start();
    await slot.greeted(AbortSignal.timeout(30_000));
    return new Sandbox(slot, slotFolder, modelFolder, container);
  }

  /** What the launcher's list would say of it. */
  async state() {
    const [inspected] = JSON.parse(await docker('inspect', this.#container.getId()));
    return describeSandbox(Inspection.parse(inspected));
  }

  /** Names of its processes, as the host sees them. */
  async processes(): Promise<string[]> {
    const listed = await docker('top', this.#container.getId(), '-eo', 'pid,comm');
    return listed
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/).slice(1).join(' '));
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    await docker('kill', '--signal', name, this.#container.getId());
  }

  /** Standard output of a command beside the agent. @throws when it exits other than 0 */
  async exec(...command: string[]): Promise<string> {
    const { exitCode, output, stdout } = await this.#container.exec(command);
    if (exitCode !== 0) throw new Error(`${command.join(' ')} exited with ${exitCode}: ${output}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container.stop({ timeout: 0, remove: true, removeVolumes: true });
    await this.slot[Symbol.asyncDispose]();
  }
}

/** The sandboxes of one test file, all under one label, with a folder for their slots and for what they send. */
export class Sandboxes implements AsyncDisposable {
  readonly folder: string;
  readonly slots: string;
  readonly modelSlots: string;
  readonly #project: string;
  readonly #open = new Set<Sandbox>();

  private constructor(project: string, folder: string) {
    this.#project = project;
    this.folder = folder;
    this.slots = join(folder, 'slots');
    this.modelSlots = join(folder, 'model-slots');
  }

  /** Removes what a crashed run of the same file has left. */
  static async open(name: string): Promise<Sandboxes> {
    const project = `countersign-test-sandbox-${name}`;
    await removeLabelled(project);
    const sandboxes = new Sandboxes(project, await mkdtemp(join(tmpdir(), `${project}-`)));
    await mkdir(sandboxes.slots);
    await mkdir(sandboxes.modelSlots);
    return sandboxes;
  }

  async start(sizes: Sizes = {}): Promise<Sandbox> {
    const sandbox = await Sandbox.start(this.slots, this.modelSlots, this.#project, sizes);
    this.#open.add(sandbox);
    return sandbox;
  }

  /** Ends those that are open; for after each test. */
  async clear(): Promise<void> {
    for (const sandbox of this.#open) await sandbox[Symbol.asyncDispose]();
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    await removeLabelled(this.#project);
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function removeLabelled(project: string): Promise<void> {
  const left = await docker('ps', '-aq', '--filter', `label=${labels.project}=${project}`);
  if (left !== '') await docker('rm', '-f', '-v', ...left.split('\n'));
}
