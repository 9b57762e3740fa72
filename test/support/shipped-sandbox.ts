import { setTimeout as sleep } from 'node:timers/promises';
import { compile } from '@countersign/launcher/src/policy.ts';
import { newSlotId } from '@countersign/runner/src/sandbox/slot.ts';
import Docker from 'dockerode';
import { sandboxImage } from './launcher-fixture.ts';

const engine = new Docker();
const sizes = { memory_mb: 512, cpus: 2, pids: 64, workspace_mb: 64, tmp_mb: 64 };

type Options = ReturnType<typeof compile>;

/** What of a sandbox's container is other than the launcher makes it. */
export type Changes = Partial<Omit<Options, 'HostConfig'>> & {
  readonly Env?: string[];
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly HostConfig?: Partial<Omit<Options['HostConfig'], 'Runtime' | 'Mounts' | 'Tmpfs'>> & {
    readonly Runtime?: string;
    readonly Tmpfs?: Readonly<Record<string, string>>;
  };
};

export type Ended = {
  /** 137 where it was killed. */
  readonly code: number;
  readonly output: string;
  readonly outOfMemory: boolean;
};

/**
 * The launcher's own options, but for the slot's two folders, which are one of this host, and the driver of the log.
 * @param slot folder of this host, mounted read-only in place of both
 */
function shipped(slot: string, { HostConfig: changed, ...changes }: Changes) {
  const { HostConfig: compiled, ...options } = compile({
    project: 'shippedtest',
    slotsVolume: 'none',
    modelSlotsVolume: 'none',
    epoch: 'test',
    slot: newSlotId(),
    profileName: 'test',
    profile: { image: sandboxImage, runtime: 'runc', warm: 0, ...sizes },
    imageId: sandboxImage,
    runtime: 'runc',
  });
  const Binds = [`${slot}:/slot:ro`, `${slot}:/model:ro`, ...(changed?.Binds ?? [])];
  const LogConfig = { Type: 'json-file', Config: { 'max-size': '1m' } };
  const { Mounts: _, ...HostConfig } = compiled;
  return { ...options, ...changes, HostConfig: { ...HostConfig, LogConfig, ...changed, Binds } };
}

/**
 * Runs one command in a container that is a sandbox as the launcher makes it, but for the changes, and removes it.
 * @param whileItRuns is waited for before its end is
 */
export async function runShipped(
  slot: string,
  command: readonly string[],
  changes: Changes = {},
  whileItRuns: (container: Docker.Container) => Promise<void> = async () => undefined,
): Promise<Ended> {
  const [entry = '', ...rest] = command;
  const container = await engine.createContainer({ ...shipped(slot, changes), Entrypoint: [entry], Cmd: rest });
  try {
    await container.start();
    await whileItRuns(container);
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    const { State } = await container.inspect();
    const output = (await container.logs({ stdout: true, stderr: true })) as Buffer;
    return { code, output: withoutFraming(output), outOfMemory: State.OOMKilled };
  } finally {
    await container.remove({ force: true });
  }
}

/** Resolves when it has printed something. @throws Error when it does not within ten seconds */
export async function firstWord(container: Docker.Container): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 50) {
    if (((await container.logs({ stdout: true })) as Buffer).length > 0) return;
    await sleep(50);
  }
  throw new Error('the container said nothing');
}

/** The engine puts eight bytes before each piece of a stream. */
function withoutFraming(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    text += bytes.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
