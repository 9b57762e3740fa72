import { metadataAddresses } from '../support/metadata-services.ts';
import type { Changes } from '../support/shipped-sandbox.ts';

/** What the ground has for an attack: a machine beside this one, a process of this host, and files of its own. */
export type Ground = {
  /** An address that answers on its port, by TCP and UDP, and tells what it hears. */
  readonly neighbour: { readonly address: string; readonly port: number };
  /** Where something of this host listens, on the engine's own bridge. */
  readonly host: { readonly address: string; readonly port: number };
  /** A name without a file, on which something of this host listens. */
  readonly abstract: string;
  /** A socket in a folder of this host that something listens on. */
  readonly socket: string;
  /** A process of this host. */
  readonly process: number;
  /** The probe again, owned by root and marked to run as root. */
  readonly marked: string;
  /** A container's network in which the metadata services of clouds answer. */
  readonly clouds: { readonly network: string; readonly port: number };
  /** A folder of this host that anybody may write to. */
  readonly shared: string;
  /** What all secrets begin with that lie about on this host, and a folder of such. */
  readonly secrets: { readonly beginning: string; readonly folder: string };
};

/** An attempt from inside a sandbox. */
export type Attack = {
  readonly id: string;
  readonly what: string;
  /** What the probe is told. */
  readonly probe: (ground: Ground) => readonly string[];
  /** What another sandbox of the same make does, to its end before the attempt or for as long as that lasts. */
  readonly other?: { readonly when: 'before' | 'meanwhile'; readonly probe: readonly string[] };
  /** A port on which everybody outside calls once the attempt has said its first word. */
  readonly called?: number;
  /** What the attacker has in both containers, and no sandbox. */
  readonly given?: (ground: Ground) => Changes;
  /** One protection less, with which it has to succeed; or why there is no such control. */
  readonly control: ((ground: Ground) => Changes) | string;
};

const host = (changes: Changes['HostConfig']): Changes => ({ HostConfig: changes ?? {} });
const root: Changes = { User: '0:0' };
const bridge = host({ NetworkMode: 'bridge' });
const unfiltered = host({ SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'] });
const privileged: Changes = { ...root, ...host({ Privileged: true, CapDrop: [], SecurityOpt: [] }) };
const rootWith = (...CapAdd: string[]): Changes => ({ ...root, ...host({ CapAdd }) });
const room = 'rw,nosuid,nodev,exec,size=256m,uid=65532,gid=65532,mode=0700';
const inOneRoom = ({ shared }: Ground): Changes => host({ Tmpfs: { '/tmp': room }, Binds: [`${shared}:/workspace`] });
const hexadecimal = (text: string) => Buffer.from(text).toString('hex');
const exposed = { ExposedPorts: { '47020/tcp': {} } };
const twoRooms = { '/workspace': room, '/tmp': room };

/** The engine, the host and its kernel; the network; what a sandbox can use up. */
export const attacks: readonly Attack[] = [
  {
    id: 'S001',
    what: 'the engine’s socket',
    probe: () => ['unix', '/var/run/docker.sock'],
    control: () => ({ ...root, ...host({ Binds: ['/var/run/docker.sock:/var/run/docker.sock'] }) }),
  },
  {
    id: 'S001',
    what: 'any socket but the slot’s, in any folder',
    probe: () => ['walk'],
    control: () => ({ ...root, ...host({ Binds: ['/var/run/docker.sock:/run/other.sock'] }) }),
  },
  {
    id: 'S002',
    what: 'a socket without a file',
    probe: ({ abstract }) => ['unix', `@${abstract}`],
    control: () => host({ NetworkMode: 'host' }),
  },
  {
    id: 'S003',
    what: 'a port of the host on the engine’s bridge, as its API would be',
    probe: ({ host: { address, port } }) => ['tcp', address, String(port)],
    control: () => bridge,
  },
  {
    id: 'S004',
    what: 'a socket of the launcher’s',
    probe: () => ['unix', '/run/launcher/launcher.sock'],
    control: ({ socket }) => ({ ...root, ...host({ Binds: [`${socket}:/run/launcher/launcher.sock`] }) }),
  },
  ...['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/panic', '/proc/sys/vm/drop_caches'].map(
    (path): Attack => ({
      id: 'S010',
      what: `writing to ${path}`,
      probe: () => ['open', path, 'w'],
      control: () => privileged,
    }),
  ),
  {
    id: 'S011',
    what: 'what /proc/timer_list tells',
    probe: () => ['open', '/proc/timer_list', 'r'],
    control: () => privileged,
  },
  {
    id: 'S011',
    what: 'what lies in /sys/firmware',
    probe: () => ['list', '/sys/firmware'],
    control: () => privileged,
  },
  {
    id: 'S012',
    what: 'a block device of its own',
    probe: () => ['mknod', 'b', '8', '0'],
    control: () => rootWith('MKNOD', 'DAC_OVERRIDE'),
  },
  {
    id: 'S012',
    what: 'a character device of its own',
    probe: () => ['mknod', 'c', '1', '1'],
    control: () => rootWith('MKNOD', 'DAC_OVERRIDE'),
  },
  {
    id: 'S012',
    what: 'the kernel’s messages',
    probe: () => ['open', '/dev/kmsg', 'w'],
    control: () => privileged,
  },
  ...['proc', 'sysfs', 'tmpfs'].map(
    (type): Attack => ({
      id: 'S013',
      what: `a mount of ${type}`,
      probe: () => ['mount', type],
      control: () => privileged,
    }),
  ),
  { id: 'S013', what: 'a folder over another', probe: () => ['bind', '/etc'], control: () => privileged },
  { id: 'S013', what: 'a file system by fsopen', probe: () => ['fsopen', 'tmpfs'], control: () => privileged },
  { id: 'S013', what: 'its root made writable', probe: () => ['remount'], control: () => privileged },
  {
    id: 'S014',
    what: 'a user namespace, with every right in it',
    probe: () => ['unshare', 'user'],
    control: () => unfiltered,
  },
  ...['mount', 'net', 'pid', 'ipc', 'uts', 'cgroup'].map(
    (kind): Attack => ({
      id: 'S014',
      what: `a ${kind} namespace`,
      probe: () => ['unshare', kind],
      control: () => privileged,
    }),
  ),
  {
    id: 'S014',
    what: 'the host’s mount namespace',
    probe: ({ process }) => ['setns', `/proc/${process}/ns/mnt`],
    control: () => ({ ...privileged, ...host({ ...privileged.HostConfig, PidMode: 'host' }) }),
  },
  {
    id: 'S015',
    what: 'a process of the host’s',
    probe: ({ process }) => ['process', String(process), 'sleep'],
    control: () => host({ PidMode: 'host' }),
  },
  {
    id: 'S015',
    what: 'tracing a process of the host’s',
    probe: ({ process }) => ['ptrace', String(process)],
    control: () => ({ ...privileged, ...host({ ...privileged.HostConfig, PidMode: 'host' }) }),
  },
  ...['keyctl', 'add_key'].map(
    (call): Attack => ({ id: 'S016', what: call, probe: () => ['call', call], control: () => unfiltered }),
  ),
  ...['bpf', 'perf_event_open', 'userfaultfd'].map(
    (call): Attack => ({ id: 'S016', what: call, probe: () => ['call', call], control: () => privileged }),
  ),
  { id: 'S016', what: 'io_uring', probe: () => ['call', 'io_uring_setup'], control: () => unfiltered },
  {
    id: 'S016',
    what: 'a file by its handle, outside of every mount',
    probe: () => ['call', 'open_by_handle_at'],
    control: () => rootWith('DAC_READ_SEARCH'),
  },
  {
    id: 'S016',
    what: 'another kernel',
    probe: () => ['call', 'kexec_load'],
    control: 'a control would unload what this machine keeps for a crash',
  },
  {
    id: 'S016',
    what: 'a module of the kernel’s',
    probe: () => ['call', 'init_module'],
    control: 'a control would need a module that fits this machine’s kernel',
  },
  { id: 'S016', what: 'the clock', probe: () => ['call', 'settime'], control: () => rootWith('SYS_TIME') },
  { id: 'S016', what: 'the host’s name', probe: () => ['call', 'sethostname'], control: () => privileged },
  {
    id: 'S016',
    what: 'another root',
    probe: () => ['call', 'chroot'],
    control: () => rootWith('SYS_CHROOT', 'DAC_OVERRIDE'),
  },
  {
    id: 'S016',
    what: 'packets of any kind',
    probe: () => ['socket', '17', '3', '768'],
    control: () => rootWith('NET_RAW'),
  },
  {
    id: 'S017',
    what: 'a program of root’s that is marked to run as root',
    probe: () => ['setuid', '/marked'],
    given: ({ marked }) => host({ Binds: [`${marked}:/marked:ro`] }),
    control: ({ marked }) => host({ Binds: [`${marked}:/marked:ro`], SecurityOpt: ['seccomp=builtin'], CapDrop: [] }),
  },
  {
    id: 'S017',
    what: 'a program of its own in /tmp',
    probe: () => ['execute', '/tmp'],
    control: () => host({ Tmpfs: twoRooms }),
  },
  { id: 'S018', what: 'a capability', probe: () => ['rights'], control: () => host({ CapDrop: [] }) },
  { id: 'S018', what: 'being root', probe: () => ['identity'], control: () => root },
  {
    id: 'S020',
    what: 'a machine beside this one',
    probe: ({ neighbour: { address, port } }) => ['tcp', address, String(port)],
    control: () => bridge,
  },
  {
    id: 'S021',
    what: 'a datagram to a machine beside this one',
    probe: ({ neighbour: { address, port } }) => ['udp', address, String(port)],
    control: () => bridge,
  },
  {
    id: 'S021',
    what: 'ICMP by a socket of its own kind',
    probe: () => ['socket', '2', '3', '1'],
    control: () => rootWith('NET_RAW'),
  },
  {
    id: 'S022',
    what: 'a server of names, by UDP',
    probe: ({ neighbour: { address } }) => ['udp', address, '53'],
    control: () => bridge,
  },
  {
    id: 'S024',
    what: 'an IPv4 address in IPv6’s clothes',
    probe: ({ neighbour: { address, port } }) => ['tcp', `::ffff:${address}`, String(port)],
    control: () => bridge,
  },
  {
    id: 'S026',
    what: 'a port of the host',
    probe: ({ host: { address, port } }) => ['tcp', address, String(port)],
    control: () => host({ NetworkMode: 'host' }),
  },
  {
    id: 'S050',
    what: 'more processes than it may have',
    probe: () => ['forks', '200'],
    control: () => host({ PidsLimit: 1_000 }),
  },
  {
    id: 'S051',
    what: 'more memory than it may have',
    probe: () => ['memory', '700'],
    control: () => host({ Memory: 2 ** 30, MemorySwap: 2 ** 30 }),
  },
  {
    id: 'S052',
    what: 'more of /workspace than there is',
    probe: () => ['fill', '/workspace', '100'],
    control: () => host({ Tmpfs: twoRooms }),
  },
  {
    id: 'S052',
    what: 'more of /tmp than there is',
    probe: () => ['fill', '/tmp', '100'],
    control: () => host({ Tmpfs: twoRooms }),
  },
  {
    id: 'S052',
    what: 'the container’s own layer, and so the host’s disk',
    probe: () => ['write', '/var/tmp/filled'],
    control: () => host({ ReadonlyRootfs: false }),
  },
  {
    id: 'S053',
    what: 'more files than the memory holds',
    probe: () => ['files', '/workspace', '400000'],
    given: () => host({ Memory: 128 * 2 ** 20, MemorySwap: 128 * 2 ** 20 }),
    control: () => host({ Memory: 2 ** 31, MemorySwap: 2 ** 31 }),
  },
  ...metadataAddresses.map(
    (address): Attack => ({
      id: 'S025',
      what: `the metadata service of a cloud at ${address}`,
      probe: ({ clouds: { port } }) => ['tcp', address, String(port)],
      control: ({ clouds: { network } }) => ({ Hostname: '', ...host({ NetworkMode: network }) }),
    }),
  ),
  {
    id: 'S027',
    what: 'a port on which another sandbox listens',
    other: { when: 'meanwhile', probe: ['listen', '47021'] },
    probe: () => ['tcp', '127.0.0.1', '47021'],
    control: () => host({ NetworkMode: 'host' }),
  },
  {
    id: 'S027',
    what: 'a process of another sandbox’s',
    other: { when: 'meanwhile', probe: ['stay'] },
    probe: () => ['seen', 'stay'],
    control: () => host({ PidMode: 'host' }),
  },
  {
    id: 'S027',
    what: 'memory that another sandbox shares',
    other: { when: 'meanwhile', probe: ['segment', 'hold'] },
    probe: () => ['segment', 'find'],
    control: () => host({ IpcMode: 'host' }),
  },
  {
    id: 'S027',
    what: 'files of another sandbox’s',
    other: { when: 'meanwhile', probe: ['stand'] },
    probe: () => ['found'],
    control: inOneRoom,
  },
  {
    id: 'S042',
    what: 'a caller from outside',
    called: 47_020,
    probe: () => ['listen', '47020'],
    control: () => bridge,
  },
  {
    id: 'S042',
    what: 'a caller from outside, on a port that its image exposes and that is to be published',
    called: 47_020,
    probe: () => ['listen', '47020'],
    given: () => ({ ...exposed, ...host({ PublishAllPorts: true }) }),
    control: () => ({ ...exposed, ...host({ PublishAllPorts: true, NetworkMode: 'bridge' }) }),
  },
  {
    id: 'S043',
    what: 'a machine beside this one, by a proxy of its own',
    probe: ({ neighbour: { address, port } }) => ['relay', address, String(port)],
    control: () => bridge,
  },
  {
    id: 'S045',
    what: 'files that an earlier sandbox left',
    other: { when: 'before', probe: ['leave'] },
    probe: () => ['found'],
    control: inOneRoom,
  },
  {
    id: 'S051',
    what: 'more of the memory for sharing than there is',
    probe: () => ['fill', '/dev/shm', '100'],
    control: () => host({ ShmSize: 256 * 2 ** 20 }),
  },
  {
    id: 'S056',
    what: 'more of the processors than it may have',
    probe: () => ['spin', '500', '50'],
    given: () => host({ NanoCpus: 2e8 }),
    control: () => host({ NanoCpus: 0 }),
  },
  {
    id: 'S056',
    what: 'more open files than it may have',
    probe: () => ['handles', '18000'],
    control: () => host({ Ulimits: [{ Name: 'nofile', Soft: 20_000, Hard: 20_000 }] }),
  },
  {
    id: 'S070',
    what: 'a secret of this host’s in a file, a process or a variable',
    probe: ({ secrets: { beginning } }) => ['secret', hexadecimal(beginning)],
    control: ({ secrets: { folder } }) => host({ Binds: [`${folder}:/run/secrets:ro`] }),
  },
  {
    id: 'S070',
    what: 'a secret that is handed over in a variable',
    probe: ({ secrets: { beginning } }) => ['secret', hexadecimal(beginning)],
    control: ({ secrets: { beginning } }) => ({ Env: [`TOKEN=${beginning}-0`] }),
  },
];
