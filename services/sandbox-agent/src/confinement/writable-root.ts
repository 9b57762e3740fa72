import { execFile } from 'node:child_process';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Attempt, mustFail } from './attempt.ts';

const refused = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'EINVAL', 'EIO']);
const folders = [
  '/',
  '/app',
  '/app/agent',
  '/bin',
  '/dev',
  '/etc',
  '/home',
  '/mnt',
  '/model',
  '/opt',
  '/proc',
  '/root',
  '/run',
  '/slot',
  '/sys',
  '/sys/fs/cgroup',
  '/usr',
  '/usr/local/bin',
  '/var',
  '/var/tmp',
];
const files = [
  '/app/agent/main.js',
  '/etc/hosts',
  '/etc/passwd',
  '/etc/resolv.conf',
  '/proc/sys/kernel/core_pattern',
  '/proc/sysrq-trigger',
  '/sys/fs/cgroup/release_agent',
  '/sys/kernel/uevent_helper',
  '/usr/local/bin/node',
];

/** Nothing can be written but in `/workspace`, `/tmp` and `/dev/shm`, and nothing in `/tmp` can be executed. */
export const writableRoot: readonly Attempt[] = [
  ...folders.map((folder) => ({ what: `a new file in ${folder}`, make: () => create(join(folder, '.written')) })),
  ...files.map((path) => ({
    what: `writing to ${path}`,
    make: () =>
      mustFail(async () => {
        await using _file = await open(path, 'r+');
      }, refused),
  })),
  { what: 'executing from /tmp', make: execute },
];

async function create(path: string): Promise<string | null> {
  return await mustFail(async () => {
    await writeFile(path, '', { flag: 'wx' });
    await rm(path, { force: true });
  }, refused);
}

async function execute(): Promise<string | null> {
  const path = join('/tmp', '.executed');
  await writeFile(path, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  try {
    return await mustFail(() => promisify(execFile)(path), refused);
  } finally {
    await rm(path, { force: true });
  }
}
