import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketClient } from '@countersign/kit/socket-client.ts';
import { readSettings } from '@countersign/launcher/src/config.ts';
import { createLauncher } from '@countersign/launcher/src/launcher.ts';
import { execa } from 'execa';

/** Of the images that `scripts/test` has built. */
export const imageTag = process.env['COUNTERSIGN_TAG'] ?? 'local';

/** The test uses it under its own project, so no running stack is touched. */
export const sandboxImage = `countersign/sandbox:${imageTag}`;

/** `docker`, with the engine that the launcher uses. @throws when it exits other than 0 */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await execa('docker', args)).stdout;
}

/** Of a container with these volumes in `/made`, whose shell is told what to do. */
function inside(volumes: readonly string[]): string[] {
  const mounts = volumes.flatMap((volume) => ['--mount', `type=volume,source=${volume},target=/made/${volume}`]);
  return ['--user=0:0', '--network=none', '--entrypoint=sh', ...mounts, sandboxImage];
}

/** A launcher in this process on the real engine, with its own project, volumes for slots and socket. Disposing leaves nothing. */
export async function startLauncher(profiles: string) {
  const project = `launchertest-${randomBytes(4).toString('hex')}`;
  const volumes = { slots: `${project}_slots`, modelSlots: `${project}_model-slots` };
  const folder = await mkdtemp(join(tmpdir(), `${project}-`));
  await writeFile(join(folder, 'sandbox.yaml'), profiles);
  for (const volume of Object.values(volumes))
    await docker('volume', 'create', '--label', `countersign.project=${project}`, volume);
  const settings = readSettings({
    LAUNCHER_PROJECT: project,
    LAUNCHER_SLOTS_VOLUME: volumes.slots,
    LAUNCHER_MODEL_SLOTS_VOLUME: volumes.modelSlots,
    LAUNCHER_IMAGE_TAG: imageTag,
    LAUNCHER_SOCKET_PATH: join(folder, 'launcher.sock'),
    LAUNCHER_SERVICES_SOCKET_PATH: join(folder, 'services.sock'),
    LAUNCHER_SECRETS_FOLDER: folder,
    LAUNCHER_CONFIG_FOLDER: folder,
    LAUNCHER_LOG_FOLDER: folder,
    LAUNCHER_LOG_LEVEL: 'error',
  });
  let launcher = await createLauncher(settings);
  const client = new SocketClient('launcher', settings.LAUNCHER_SOCKET_PATH);
  return {
    project,
    volumes,
    client,
    /** Makes the folders of a new slot, as the runner would, and in each a file that has the volume's name. */
    async makeSlot(inVolumes: readonly string[] = Object.values(volumes)): Promise<string> {
      const slot = randomBytes(16).toString('hex');
      const make = `mkdir /made/$volume/${slot} && touch /made/$volume/${slot}/$volume || exit 1`;
      await docker('run', '--rm', ...inside(inVolumes), '-c', `for volume in ${inVolumes.join(' ')}; do ${make}; done`);
      return slot;
    },
    /**
     * Begins a script of somebody's who may write to the volume of the ways to the model, which is his folder.
     * @returns the container's id
     */
    async interfere(script: string): Promise<string> {
      const labelled = [
        '--detach',
        '--label',
        `countersign.project=${project}`,
        '--workdir',
        `/made/${volumes.modelSlots}`,
      ];
      return docker('run', ...labelled, ...inside([volumes.modelSlots]), '-c', script);
    },
    async restart(): Promise<void> {
      await launcher[Symbol.asyncDispose]();
      launcher = await createLauncher(settings);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await client[Symbol.asyncDispose]();
      await launcher[Symbol.asyncDispose]();
      const left = await docker('ps', '-aq', '--filter', `label=countersign.project=${project}`);
      if (left !== '') await docker('rm', '-f', '-v', ...left.split('\n'));
      await docker('volume', 'rm', ...Object.values(volumes));
      await rm(folder, { recursive: true });
    },
  };
}
