import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketClient } from '@countersign/kit/socket-client.ts';
import { readSettings } from '@countersign/launcher/src/config.ts';
import { createLauncher } from '@countersign/launcher/src/launcher.ts';
import { execa } from 'execa';

/** The image that `scripts/test` has built; the test uses it under its own project, so no running stack is touched. */
export const sandboxImage = `countersign/sandbox:${process.env['COUNTERSIGN_TAG'] ?? 'local'}`;

/** `docker`, with the engine that the launcher uses. @throws when it exits other than 0 */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await execa('docker', args)).stdout;
}

/** A launcher in this process on the real engine, with its own project, slots volume and socket. Disposing leaves nothing. */
export async function startLauncher(profiles: string) {
  const project = `launchertest-${randomBytes(4).toString('hex')}`;
  const volume = `${project}_slots`;
  const folder = await mkdtemp(join(tmpdir(), `${project}-`));
  await writeFile(join(folder, 'sandbox.yaml'), profiles);
  await docker('volume', 'create', '--label', `countersign.project=${project}`, volume);
  const settings = readSettings({
    LAUNCHER_PROJECT: project,
    LAUNCHER_SLOTS_VOLUME: volume,
    LAUNCHER_SOCKET_PATH: join(folder, 'launcher.sock'),
    LAUNCHER_CONFIG_FOLDER: folder,
    LAUNCHER_LOG_FOLDER: folder,
    LAUNCHER_LOG_LEVEL: 'error',
  });
  let launcher = await createLauncher(settings);
  const client = new SocketClient('launcher', settings.LAUNCHER_SOCKET_PATH);
  return {
    project,
    volume,
    client,
    /** Makes the folder of a new slot in the volume, as the runner would. */
    async makeSlot(): Promise<string> {
      const slot = randomBytes(16).toString('hex');
      const mount = `type=volume,source=${volume},target=/slots`;
      await docker(
        'run',
        '--rm',
        '--user=0:0',
        '--network=none',
        '--entrypoint=mkdir',
        '--mount',
        mount,
        sandboxImage,
        `/slots/${slot}`,
      );
      return slot;
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
      await docker('volume', 'rm', volume);
      await rm(folder, { recursive: true });
    },
  };
}
