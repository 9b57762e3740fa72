import { join } from 'node:path';
import { SandboxProfiles } from '@countersign/contracts/config/sandbox.ts';
import { readEnvironment, readYamlConfig } from '@countersign/kit/config-file.ts';
import { z } from 'zod';
import { launcherLimits } from './limits.ts';

const VolumeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/);

const Settings = z
  .strictObject({
    /** The Compose project: part of every container's name and label, so that two stacks on one engine stay apart. */
    LAUNCHER_PROJECT: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
      .default('countersign'),
    LAUNCHER_SLOTS_VOLUME: VolumeName.default('countersign_slots'),
    LAUNCHER_MODEL_SLOTS_VOLUME: VolumeName.default('countersign_model-slots'),
    /** The tag of images that `sandbox.yaml` names without one, and of workspaces' images: the tag that the stack itself runs with. */
    LAUNCHER_IMAGE_TAG: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/)
      .default('local'),
    LAUNCHER_SOCKET_PATH: z.string().default('/run/launcher/launcher.sock'),
    /** In a volume of its own, so that whoever may ask for sandboxes may not stop services, and the other way round. */
    LAUNCHER_SERVICES_SOCKET_PATH: z.string().default('/run/services/services.sock'),
    LAUNCHER_SECRETS_FOLDER: z.string().default('/secrets'),
    LAUNCHER_CONFIG_FOLDER: z.string().default('/configs'),
    LAUNCHER_LOG_FOLDER: z.string().default('/logs'),
    LAUNCHER_DOCKER_SOCKET: z.string().default('/var/run/docker.sock'),
    LAUNCHER_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .refine((settings) => settings.LAUNCHER_SLOTS_VOLUME !== settings.LAUNCHER_MODEL_SLOTS_VOLUME, {
    path: ['LAUNCHER_MODEL_SLOTS_VOLUME'],
    message: 'must be a volume of its own: the gateway writes to it',
  });
export type Settings = z.infer<typeof Settings>;

/** @throws ConfigError that lists every wrong and every unknown `LAUNCHER_` variable */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  return readEnvironment(environment, 'LAUNCHER_', Settings);
}

/** An image's name becomes part of a URL of the engine's API: names, slashes, a tag, a digest, and nothing else. */
const component = '[a-z0-9]+(?:[._-]+[a-z0-9]+)*';
const imageReference = new RegExp(
  `^(?:${component}(?::[0-9]+)?/)?${component}(?:/${component})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

const Profiles = SandboxProfiles.superRefine(({ profiles }, context) => {
  const warm = Object.values(profiles).reduce((sum, profile) => sum + (profile.warm ?? 0), 0);
  if (warm > launcherLimits.warmSandboxes)
    context.addIssue({
      code: 'custom',
      path: ['profiles'],
      message: `${warm} warm sandboxes of all profiles together; at most ${launcherLimits.warmSandboxes} may wait`,
    });
  for (const [name, profile] of Object.entries(profiles)) {
    if (!imageReference.test(profile.image))
      context.addIssue({ code: 'custom', path: ['profiles', name, 'image'], message: 'not an image name' });
    if (profile.workspace_mb + profile.tmp_mb > profile.memory_mb)
      context.addIssue({
        code: 'custom',
        path: ['profiles', name, 'memory_mb'],
        message: 'must hold workspace_mb and tmp_mb, which count as memory',
      });
  }
});

/**
 * The profiles of `sandbox.yaml`, each image with its tag. A map, so that no name finds anything but a profile.
 * @throws ConfigError that lists every problem with its line
 */
export async function readProfiles(settings: Settings) {
  const { value } = await readYamlConfig(join(settings.LAUNCHER_CONFIG_FOLDER, 'sandbox.yaml'), Profiles);
  return new Map(
    Object.entries(value.profiles).map(([name, profile]) => [
      name,
      { ...profile, image: withTag(profile.image, settings.LAUNCHER_IMAGE_TAG) },
    ]),
  );
}

function withTag(image: string, tag: string): string {
  const lastName = image.slice(image.lastIndexOf('/') + 1);
  return /[:@]/.test(lastName) ? image : `${image}:${tag}`;
}
