import { chmod, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createEngine } from '@countersign/launcher/src/engine.ts';
import { compile } from '@countersign/launcher/src/policy.ts';
import { newSlotId } from '@countersign/runner/src/sandbox/slot.ts';
import { execa } from 'execa';
import { sandboxImage } from '../../test/support/launcher-fixture.ts';

/** What of a sandbox's start takes how long, each in ms from the beginning: of one round. */
export type ColdStart = {
  readonly created: number;
  readonly started: number;
  readonly node: number;
  readonly agent: number;
};

const sizes = { memory_mb: 512, cpus: 2, pids: 64, workspace_mb: 64, tmp_mb: 64 };
const connects = "require('node:net').connect('/slot/control.sock').on('error', () => process.exit(1))";
const project = 'countersign-bench-parts';

/**
 * Makes containers as the launcher makes them, without it: until the engine has one, until it says that it runs, until Node in one
 * has connected to its slot, and until the agent has. @param rounds of each
 */
export async function coldStarts(rounds: number): Promise<ColdStart[]> {
  const engine = createEngine('/var/run/docker.sock');
  const signal = AbortSignal.timeout(10 * 60_000);
  await execa('docker', ['volume', 'create', project]);
  try {
    const { stdout: slots } = await execa('docker', ['volume', 'inspect', '--format', '{{.Mountpoint}}', project]);
    const once = async (entrypoint: readonly string[] | null) => {
      const slot = newSlotId();
      await mkdir(join(slots, slot));
      const { promise: connected, resolve } = Promise.withResolvers<number>();
      const server = createServer((socket) => {
        resolve(performance.now());
        socket.on('error', () => undefined);
      }).listen(join(slots, slot, 'control.sock'));
      await new Promise<void>((listening) => server.once('listening', () => listening()));
      await chmod(join(slots, slot, 'control.sock'), 0o666);
      const options = compile({
        project,
        slotsVolume: project,
        modelSlotsVolume: project,
        epoch: 'bench',
        slot,
        profileName: 'bench',
        profile: { image: sandboxImage, runtime: 'runc', warm: 0, ...sizes },
        imageId: sandboxImage,
        runtime: 'runc',
      });
      const began = performance.now();
      const own = entrypoint === null ? options : { ...options, Entrypoint: entrypoint };
      const id = await engine.create(`${project}-${slot}`, own, signal);
      try {
        const created = performance.now() - began;
        await engine.start(id, signal);
        const started = performance.now() - began;
        return { created, started, connected: (await connected) - began };
      } finally {
        await engine.remove(id, signal);
        server.close();
      }
    };
    const measured: ColdStart[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { connected: node } = await once(['node', '-e', connects]);
      const { created, started, connected: agent } = await once(null);
      measured.push({ created, started, node, agent });
    }
    return measured;
  } finally {
    await execa('docker', ['volume', 'rm', '--force', project], { reject: false });
  }
}
