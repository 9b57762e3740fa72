import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';
import type { SlotId } from '@countersign/contracts/names.ts';

const mib = 1024 * 1024;

/** The sandbox's own user; it exists in no image, owns nothing outside its tmpfs, and is in no other group. */
const user = { uid: 65_532, gid: 65_532 } as const;

/** As `docker run --gpus all` asks for them. The only device that a sandbox can have, and only by the operator's own profile. */
const everyGpu = { Driver: '', Count: -1, DeviceIDs: [] as string[], Capabilities: [['gpu']], Options: {} };

export const labels = {
  sandbox: 'countersign.sandbox',
  profile: 'countersign.profile',
  epoch: 'countersign.epoch',
  project: 'countersign.project',
} as const;

/** What a sandbox is made from. Only `slot` and the choice of the profile come from outside the launcher. */
export type Ingredients = {
  readonly project: string;
  /** Where the runner listens, and nobody else writes. */
  readonly slotsVolume: string;
  /** Where the gateway listens: a volume of its own, because who can write to a folder can take its sockets' place. */
  readonly modelSlotsVolume: string;
  /** The launcher's own start, so that sandboxes of an earlier one can be told apart. */
  readonly epoch: string;
  readonly slot: SlotId;
  readonly profileName: string;
  readonly profile: SandboxProfile;
  /** The image's id, never its name: a tag may move between resolving and creating. */
  readonly imageId: string;
  readonly runtime: 'runc' | 'runsc';
};

export type ContainerOptions = ReturnType<typeof compile>;

export function containerName(project: string, slot: SlotId): string {
  return `${project}-sandbox-${slot}`;
}

/**
 * The complete options of a sandbox's container. Pure, and the only place that decides what a sandbox may do; everything
 * that could widen it is written out, also where that is the engine's default.
 *
 * Environment, entry point and command are the image's own: there is no parameter for them.
 */
export function compile(from: Ingredients) {
  const memoryBytes = from.profile.memory_mb * mib;
  return {
    Image: from.imageId,
    Hostname: 'sandbox',
    Domainname: '',
    User: `${user.uid}:${user.gid}`,
    WorkingDir: '/workspace',
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    // A health check of an image would be one more process that nobody asked for.
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    Labels: {
      [labels.sandbox]: from.slot,
      [labels.profile]: from.profileName,
      [labels.epoch]: from.epoch,
      [labels.project]: from.project,
      // Compose labels the images that it builds. A sandbox with those labels would be one of the stack's services to it, and
      // would be replaced by the next `docker compose up`.
      'com.docker.compose.project': '',
      'com.docker.compose.service': '',
      'com.docker.compose.version': '',
    },
    HostConfig: {
      Runtime: from.runtime,
      Init: true,
      AutoRemove: false,
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      // What a sandbox prints goes nowhere: its results come through the slot, and a log driver would fill the disk.
      LogConfig: { Type: 'none', Config: {} },

      NetworkMode: 'none',
      PortBindings: {},
      PublishAllPorts: false,
      ExtraHosts: [] as string[],
      Links: [] as string[],

      Privileged: false,
      CapDrop: ['ALL'],
      CapAdd: [] as string[],
      // `builtin` by name: an engine may be configured to run without a seccomp profile.
      SecurityOpt: ['no-new-privileges:true', 'seccomp=builtin'],
      GroupAdd: [] as string[],
      Devices: [] as never[],
      DeviceRequests: from.profile.gpus === undefined ? [] : [everyGpu],
      DeviceCgroupRules: [] as string[],
      Sysctls: {},
      IpcMode: 'private',
      CgroupnsMode: 'private' as const,
      PidMode: '',
      UTSMode: '',
      UsernsMode: '',
      CgroupParent: '',

      ReadonlyRootfs: true,
      Binds: [] as string[],
      VolumesFrom: [] as string[],
      Mounts: [
        socketFolder(from.slotsVolume, from.slot, '/slot'),
        socketFolder(from.modelSlotsVolume, from.slot, '/model'),
      ],
      Tmpfs: {
        // Tests and built programs are run from here.
        '/workspace': tmpfs('exec', from.profile.workspace_mb),
        '/tmp': tmpfs('noexec', from.profile.tmp_mb),
      },
      ShmSize: 16 * mib,

      Memory: memoryBytes,
      // The same figure: no swap.
      MemorySwap: memoryBytes,
      NanoCpus: Math.round(from.profile.cpus * 1e9),
      PidsLimit: from.profile.pids,
      OomKillDisable: false,
      // When the host itself runs out of memory, sandboxes go before services.
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
      ],
    },
  };
}

function socketFolder(volume: string, slot: SlotId, target: '/slot' | '/model') {
  return {
    Type: 'volume' as const,
    Source: volume,
    Target: target,
    ReadOnly: true,
    VolumeOptions: { NoCopy: true, Subpath: slot },
  };
}

function tmpfs(execution: 'exec' | 'noexec', megabytes: number): string {
  return `rw,nosuid,nodev,${execution},size=${megabytes}m,uid=${user.uid},gid=${user.gid},mode=0700`;
}
