import { open, readdir, readFile } from 'node:fs/promises';
import { type Attempt, codeOf, foundIn, type Runtime } from './attempt.ts';

/** What the launcher mounts, and what the engine mounts into every container. */
const mounts = new Set([
  '/',
  '/slot',
  '/model',
  '/workspace',
  '/tmp',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/resolv.conf',
  // The engine's init, which is the first process of each.
  '/sbin/docker-init',
  '/usr/sbin/docker-init',
]);
const kernelMounts = ['/proc', '/sys', '/dev'];
/** What NVIDIA's container toolkit mounts, to be read alone, into what has its graphics processors. */
const graphics = /nvidia|cuda|libnv/i;
const devices = new Set([
  'console',
  'core',
  'fd',
  'full',
  'mqueue',
  'null',
  'ptmx',
  'pts',
  'random',
  'shm',
  'stderr',
  'stdin',
  'stdout',
  'tty',
  'urandom',
  'zero',
]);
/** gVisor's own, which lead to its kernel and not to the host's. */
const devicesOfRunsc = new Set(['fuse', 'net']);
/** What tells of the host, or of others on it, and is hidden from containers. */
const hidden = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug', '/proc/latency_stats'];
const hiddenFolders = ['/proc/acpi', '/proc/scsi', '/sys/firmware'];

/** No mount and no device but a sandbox's own, and nothing of what the kernel hides. */
export function hostPaths(runtime: Runtime): readonly Attempt[] {
  return [
    { what: 'mounts', make: findMounts },
    { what: 'devices', make: () => findDevices(runtime) },
    ...hidden.map((path) => ({ what: `what ${path} tells`, make: () => read(path) })),
    ...hiddenFolders.map((path) => ({ what: `what lies in ${path}`, make: () => list(path) })),
  ];
}

async function findMounts(): Promise<string | null> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const found = table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .filter(([, , , , point = '', options = '']) => {
      if (mounts.has(point) || kernelMounts.some((top) => point === top || point.startsWith(`${top}/`))) return false;
      return !(graphics.test(point) && options.split(',').includes('ro'));
    })
    .map(([, , , , point = '']) => point);
  return foundIn(found);
}

async function findDevices(runtime: Runtime): Promise<string | null> {
  const isOwn = (name: string) =>
    devices.has(name) || name.startsWith('nvidia') || (runtime === 'runsc' && devicesOfRunsc.has(name));
  const found = (await readdir('/dev')).filter((name) => !isOwn(name));
  return foundIn(found);
}

async function read(path: string): Promise<string | null> {
  try {
    await using file = await open(path, 'r');
    const { bytesRead } = await file.read(Buffer.alloc(1));
    return bytesRead === 0 ? null : 'it can be read';
  } catch (error) {
    return isRefused(error) ? null : codeOf(error);
  }
}

async function list(path: string): Promise<string | null> {
  try {
    const names = await readdir(path);
    return foundIn(names.slice(0, 5));
  } catch (error) {
    return isRefused(error) ? null : codeOf(error);
  }
}

function isRefused(error: unknown): boolean {
  return ['ENOENT', 'EACCES', 'EPERM', 'EIO', 'ENOTDIR'].includes(codeOf(error));
}
