import { realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import {
  contents,
  folders,
  forged,
  forgedTar,
  fresh,
  homeId,
  imported,
  sentinel,
  sentinelEntry,
  verified,
} from '../testing/house.ts';

/** A house with one workspace, to whose members more can be added. */
const workspace = [
  ...folders('home'),
  sentinelEntry,
  ...folders('home/inbox', 'home/workspaces', 'home/workspaces/app'),
];

/** A tar that ends behind the header of a file of so many bytes. */
async function beginOfTar(size: number): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'home', type: 'directory' });
  tar.entry({ name: 'home/inbox', type: 'directory' });
  tar.entry({ name: 'home/inbox/x.md', size });
  const parts: Buffer[] = [];
  for await (const part of tar) {
    parts.push(part as Buffer);
    if (parts.reduce((sum, { length }) => sum + length, 0) >= 3 * 512) break;
  }
  return Buffer.concat(parts);
}

describe('a hostile archive', () => {
  const home = folders('home', 'home/inbox', 'home/runs', 'home/workspaces', 'home/workspaces/app');

  test.each([
    ['a way up', { name: 'home/../../etc/cron.d/x' }, 'leads elsewhere'],
    ['a way up at its end', { name: 'home/inbox/..' }, 'leads elsewhere'],
    ['an absolute name', { name: '/etc/passwd' }, 'leads elsewhere'],
    ['another place', { name: 'root/.ssh/authorized_keys' }, 'is no part of a house'],
    ['a place of the home that is no state', { name: 'home/logs/x' }, 'is no part of a house'],
    ['the secrets of nobody', { name: 'secrets/other/x' }, 'is no part of a house'],
    ['a link in the queue', { name: 'home/inbox/x.md', type: 'symlink', linkname: '/etc/passwd' }, 'is a link'],
    ['a workspace that is a link', { name: 'home/workspaces/x', type: 'symlink', linkname: '/' }, 'is a link'],
    ['a hard link', { name: 'home/inbox/x.md', type: 'link', linkname: '/etc/shadow' }, 'is a "link"'],
    ['a device', { name: 'home/inbox/x.md', type: 'block-device' }, 'is a "block-device"'],
    ['a pipe', { name: 'home/inbox/x.md', type: 'fifo' }, 'is a "fifo"'],
    ['a folder that is not there', { name: 'home/outbox/done/x.md' }, 'does not lie in a folder'],
    ['a name without end', { name: `home/inbox/${'x'.repeat(5_000)}` }, 'too long a name'],
    ['a name of Windows', { name: 'C:\\Windows\\x' }, 'is no part of a house'],
    ['an empty name in a folder', { name: 'home/inbox//x.md' }, 'leads elsewhere'],
    ['a name that is a dot', { name: 'home/./inbox/x.md' }, 'leads elsewhere'],
    ['a character device', { name: 'home/inbox/x.md', type: 'character-device' }, 'is a "character-device"'],
  ])('S060, S063, S066 with %s is refused before anything is changed', async (_what, entry, words) => {
    const to = fresh();
    const before = await contents(to.home);
    const archive = await forged([...home, sentinelEntry, entry]);
    await expect(verified(to, archive)).rejects.toThrow(words);
    await expect(imported(to, archive)).rejects.toThrow(words);
    const after = await contents(to.home);
    expect(Object.keys(after).filter((name) => !name.startsWith('.countersign-import'))).toEqual(Object.keys(before));
  });

  test('S062 with a hard link to what a link leads to is refused', async () => {
    const to = fresh();
    const archive = await forged([
      ...workspace,
      { name: 'home/workspaces/app/a', type: 'symlink', linkname: '../../inbox' },
      { name: 'home/workspaces/app/b', type: 'link', linkname: 'home/workspaces/app/a/x.md' },
    ]);
    await expect(imported(to, archive)).rejects.toThrow('is a "link"');
    expect(await contents(to.home)).not.toHaveProperty('workspaces/app');
  });

  test('S062 leaves out links that lead out by way of one another', async () => {
    const to = fresh();
    const links = { a: '.', b: 'a/..', c: 'deep/up/../..', d: 'deep', e: 'd/../../app' };
    const archive = await forged([
      ...workspace,
      ...Object.entries(links).map(([name, linkname]) => ({
        name: `home/workspaces/app/${name}`,
        type: 'symlink',
        linkname,
      })),
      ...folders('home/workspaces/app/deep'),
      { name: 'home/workspaces/app/deep/up', type: 'symlink', linkname: '..' },
    ]);
    const { links_left_out: leftOut } = await imported(to, archive);
    expect(leftOut.map((line) => line.replace(/ ->.*/, '').slice(-1)).sort()).toEqual(['b', 'c', 'e']);
    for (const name of ['a', 'd', 'deep/up'])
      expect(realpathSync(join(to.home, 'workspaces/app', name))).toContain('workspaces/app');
  });

  test('S058 of a few bytes that stand for more than the disk has is refused before anything is in its place', async () => {
    const to = fresh();
    const { bavail, bsize } = await statfs(to.home);
    const archive = await forgedTar(zstdCompressSync(await beginOfTar(2 * bavail * bsize)));
    expect(archive.length).toBeLessThan(10_000);
    await expect(imported(to, archive)).rejects.toThrow('not enough room');
    expect(await contents(to.home)).not.toHaveProperty('inbox/x.md');
  });

  test('S061 that writes through a link of its own is refused', async () => {
    const archive = await forged([
      ...workspace,
      { name: 'home/workspaces/app/out', type: 'symlink', linkname: '../../inbox' },
      { name: 'home/workspaces/app/out/x.md', content: 'workspace: app\n' },
    ]);
    await expect(verified(fresh(), archive)).rejects.toThrow('does not lie in a folder');
  });

  test('S060 that names a member twice, also as another kind, is refused', async () => {
    const twice = { name: 'home/inbox/x.md', content: 'x' };
    // In an order of its own, so that only the second one is wrong.
    const inbox = [...folders('home', 'home/inbox'), twice];
    await expect(verified(fresh(), await forged([...inbox, { ...twice, content: 'y' }]))).rejects.toThrow(
      'stands there twice',
    );
    await expect(verified(fresh(), await forged([...inbox, ...folders('home/inbox/x.md')]))).rejects.toThrow('twice');
    await expect(
      verified(fresh(), await forged([...folders('home', 'home/inbox', 'home/runs', 'home/inbox')])),
    ).rejects.toThrow('stands there twice');
  });

  test('whose house is another than its manifest says, or that has none, is refused', async () => {
    await expect(verified(fresh(), await forged(home))).rejects.toThrow('does not hold the house');
    const other = { ...sentinelEntry, content: sentinel().replace(homeId, '11111111-1111-4111-8111-111111111111') };
    await expect(verified(fresh(), await forged([...home, other]))).rejects.toThrow('does not hold the house');
  });

  test('of a newer format is refused in words, with the versions', async () => {
    const newer = { ...sentinelEntry, content: sentinel(3) };
    await expect(verified(fresh(), await forged([...folders('home'), newer]))).rejects.toThrow(
      'format 3, which a newer Countersign wrote; this one knows 2',
    );
  });

  test('that holds no tar is refused, whoever sealed it', async () => {
    await expect(verified(fresh(), await forgedTar(Buffer.from('no zstd at all')))).rejects.toThrow('cannot be read');
  });
});
