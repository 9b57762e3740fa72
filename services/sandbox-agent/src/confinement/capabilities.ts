import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Attempt, mustFail, type Runtime } from './attempt.ts';

const refused = new Set(['EPERM', 'EINVAL', 'ERR_UNKNOWN_CREDENTIAL']);
const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];

/**
 * No right that a user without any has not, and none to be had.
 * @param runtime gVisor is a kernel of its own, with a filter around it and none inside
 */
export function capabilities(runtime: Runtime): readonly Attempt[] {
  return [
    { what: 'rights of this process', make: findRights },
    { what: 'its user and groups', make: findIds },
    ...(runtime === 'runc'
      ? [
          { what: 'new privileges', make: () => mustBe('NoNewPrivs', '1') },
          { what: 'the filter of system calls', make: () => mustBe('Seccomp', '2') },
        ]
      : []),
    { what: 'becoming root', make: () => mustFail(() => process.setuid?.(0), refused) },
    { what: 'becoming root’s group', make: () => mustFail(() => process.setgid?.(0), refused) },
    { what: 'joining groups', make: () => mustFail(() => process.setgroups?.([0]), refused) },
    { what: 'giving a file to root', make: giveAway },
  ];
}

async function status(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile('/proc/self/status', 'utf8');
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()] as const];
    }),
  );
}

async function findRights(): Promise<string | null> {
  const known = await status();
  const found = sets.filter((name) => !/^0+$/.test(known.get(name) ?? '0'));
  return found.length === 0 ? null : `there are some in ${found.join(', ')}`;
}

async function findIds(): Promise<string | null> {
  const known = await status();
  const ids = ['Uid', 'Gid', 'Groups'].flatMap((name) => (known.get(name) ?? '0').split(/\s+/));
  return ids.includes('0') ? 'one of them is root’s' : null;
}

async function mustBe(name: string, value: string): Promise<string | null> {
  const found = (await status()).get(name);
  return found === value ? null : `${name} is ${found ?? 'not there'}`;
}

async function giveAway(): Promise<string | null> {
  const path = join('/workspace', '.given');
  await writeFile(path, '');
  try {
    return await mustFail(() => chown(path, 0, 0), refused);
  } finally {
    await rm(path, { force: true });
  }
}
