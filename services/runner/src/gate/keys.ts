import type { KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Channel, readVerifyingKey } from '@countersign/contracts/command.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';

/** The public key of each channel, by key id. A key counts for the channel whose file it is in, whatever a command claims. */
export type Keys = ReadonlyMap<string, { readonly channel: Channel; readonly key: KeyObject }>;

/** Reads `<channel>.pub.pem` files. @throws Error for a file that is no Ed25519 key */
export async function readKeys(folder: string): Promise<Keys> {
  const keys = new Map<string, { channel: Channel; key: KeyObject }>();
  for (const name of await readdir(folder)) {
    const channel = Channel.safeParse(/^([a-z]+)\.pub\.pem$/.exec(name)?.[1]);
    if (!channel.success) continue;
    const key = readVerifyingKey(await readFile(join(folder, name), 'utf8'));
    keys.set(keyIdOf(channel.data, key), { channel: channel.data, key });
  }
  return keys;
}
