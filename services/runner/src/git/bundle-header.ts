import { open } from 'node:fs/promises';
import { ObjectId } from '@countersign/contracts/names.ts';

/** The base's subject stands in it, and a subject may be a long paragraph. */
const maximumHeaderBytes = 64 * 1_024;

export type BundleHeader =
  | { readonly ok: true; readonly tip: ObjectId /** Where the pack begins, in bytes. */; readonly packOffset: number }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads the header of a git bundle that a sandbox sent. Only one shape passes: version 2, one prerequisite that is exactly
 * `base`, one ref `refs/heads/agent`, an empty line. Whatever else a bundle may say is refused.
 */
export async function readBundleHeader(path: string, base: ObjectId): Promise<BundleHeader> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maximumHeaderBytes);
    const { bytesRead } = await file.read(buffer, 0, maximumHeaderBytes, 0);
    return parseBundleHeader(buffer.subarray(0, bytesRead), base);
  } finally {
    await file.close();
  }
}

export function parseBundleHeader(bytes: Buffer, base: ObjectId): BundleHeader {
  const end = bytes.indexOf('\n\n');
  if (end < 0) return { ok: false, reason: 'the bundle has no header of the agreed shape' };
  const lines = bytes.subarray(0, end).toString('latin1').split('\n');
  const [signature, prerequisite, ref, ...rest] = lines;
  if (signature !== '# v2 git bundle') return { ok: false, reason: 'the bundle is not of version 2' };
  if (rest.length > 0) return { ok: false, reason: 'the bundle names more than one base or ref' };
  // After the object name git writes the subject of the prerequisite's commit: the operator's own text, not looked at.
  const named = /^-([0-9a-f]+)(?: .*)?$/s.exec(prerequisite ?? '')?.[1];
  if (named !== base) return { ok: false, reason: 'the bundle is not based on the commit that the sandbox was given' };
  const tip = ObjectId.safeParse(/^([0-9a-f]+) refs\/heads\/agent$/.exec(ref ?? '')?.[1]);
  if (!tip.success || tip.data.length !== base.length)
    return { ok: false, reason: 'the bundle does not name refs/heads/agent' };
  return { ok: true, tip: tip.data, packOffset: end + 2 };
}
