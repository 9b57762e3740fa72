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
  ])('with %s is refused before anything is changed', async (_what, entry, words) => {
    const to = fresh();
    const before = await contents(to.home);
    const archive = await forged([...home, sentinelEntry, entry]);
    await expect(verified(to, archive)).rejects.toThrow(words);
    await expect(imported(to, archive)).rejects.toThrow(words);
    const after = await contents(to.home);
    expect(Object.keys(after).filter((name) => !name.startsWith('.countersign-import'))).toEqual(Object.keys(before));
  });

  test('that writes through a link of its own is refused', async () => {
    const archive = await forged([
      ...home,
      sentinelEntry,
      { name: 'home/workspaces/app/out', type: 'symlink', linkname: '../../inbox' },
      { name: 'home/workspaces/app/out/x.md', content: 'workspace: app\n' },
    ]);
    await expect(verified(fresh(), archive)).rejects.toThrow('does not lie in a folder');
  });

  test('that names a member twice, also as another kind, is refused', async () => {
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
