/** What an attack comes to in gVisor, and why that is not what it comes to on the host's own kernel. */
export type Otherwise = {
  /** In a sandbox as it is made: what it reaches is nobody else's, or gVisor itself ends by it. */
  readonly shipped?: 'reached' | 'ended';
  /** With one protection less: gVisor is one more. */
  readonly control?: 'blocked';
  readonly why: string;
};

const own = (what: string): Otherwise => ({
  shipped: 'reached',
  why: `${what} of gVisor’s own kernel, which nobody else has`,
});
const missing: Otherwise = { control: 'blocked', why: 'gVisor has no such thing, whatever rights one has in it' };
const alone: Otherwise = {
  control: 'blocked',
  why: 'gVisor is registered without a network: no setting of a container gives it one',
};
const inside: Otherwise = {
  control: 'blocked',
  why: 'what the engine shares of the host’s is not shared with who is in gVisor',
};
const held: Otherwise = {
  shipped: 'ended',
  why: 'the limit is one of gVisor’s as well: it ends, and all that is in it',
};

/** By an attack's id and what it is. */
export const inGvisor: ReadonlyMap<string, Otherwise> = new Map([
  ['S002 a socket without a file', inside],
  ['S003 a port of the host on the engine’s bridge, as its API would be', alone],
  ['S010 writing to /proc/sys/kernel/core_pattern', missing],
  ['S010 writing to /proc/sys/kernel/panic', missing],
  ['S010 writing to /proc/sys/vm/drop_caches', missing],
  ['S011 what /proc/timer_list tells', missing],
  ['S011 what lies in /sys/firmware', missing],
  ['S012 a block device of its own', own('a node')],
  ['S012 a character device of its own', own('a node')],
  ['S012 the kernel’s messages', missing],
  ['S013 a file system by fsopen', missing],
  ['S014 a user namespace, with every right in it', own('a namespace')],
  ['S014 a cgroup namespace', own('a namespace')],
  ['S014 the host’s mount namespace', inside],
  ['S015 a process of the host’s', inside],
  ['S015 tracing a process of the host’s', inside],
  ['S016 keyctl', own('a keyring')],
  ['S016 add_key', missing],
  ['S016 bpf', missing],
  ['S016 perf_event_open', missing],
  ['S016 userfaultfd', missing],
  ['S016 io_uring', missing],
  ['S016 a file by its handle, outside of every mount', missing],
  ['S016 the clock', missing],
  ['S016 packets of any kind', missing],
  ['S017 a program of root’s that is marked to run as root', missing],
  ['S020 a machine beside this one', alone],
  ['S021 a datagram to a machine beside this one', alone],
  ['S021 ICMP by a socket of its own kind', missing],
  ['S022 a server of names, by UDP', alone],
  ['S024 an IPv4 address in IPv6’s clothes', alone],
  ['S025 the metadata service of a cloud at 169.254.169.254', alone],
  ['S025 the metadata service of a cloud at fd00:ec2::254', alone],
  ['S025 the metadata service of a cloud at 100.100.100.200', alone],
  ['S026 a port of the host', alone],
  ['S027 a port on which another sandbox listens', inside],
  ['S027 a process of another sandbox’s', inside],
  ['S027 memory that another sandbox shares', inside],
  ['S042 a caller from outside', alone],
  ['S042 a caller from outside, on a port that its image exposes and that is to be published', alone],
  ['S043 a machine beside this one, by a proxy of its own', alone],
  ['S050 more processes than it may have', held],
  ['S051 more memory than it may have', held],
  [
    'S056 more of the processors than it may have',
    { shipped: 'reached', why: 'by gVisor’s own count, which takes waiting for a processor as use of it' },
  ],
]);
