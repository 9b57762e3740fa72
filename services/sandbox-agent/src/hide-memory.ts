import { dlopen } from 'node:ffi';

/** Of <linux/prctl.h>. */
const prSetDumpable = 4;

/**
 * From now on no other process of this user may look into this one's memory, or trace it: what is verified must not write into the
 * memory of what verifies it. What this process starts is not hidden. @throws Error where the kernel does not do it
 */
export function hideMemory(): void {
  const { functions } = dlopen(null, {
    prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' },
  });
  if (functions.prctl(prSetDumpable, 0n, 0n, 0n, 0n) !== 0)
    throw new Error('the memory of this process cannot be hidden');
}
