import { randomUUID } from 'node:crypto';
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type HomeSentinel, homeFormat } from '@countersign/contracts/home.ts';
import { adoptBotToken } from './bot-token.ts';
import type { InitConfig } from './config.ts';
import { firstWorkspace, makeFirstWorkspace } from './first-workspace.ts';
import { ensureFolder, type FolderMode, type Owner } from './folder.ts';
import { InitError, type Report } from './init-error.ts';
import { ensureLauncherKey } from './launcher-key.ts';
import { ensureLoginToken } from './login-token.ts';
import { refuseMoved } from './refuse-moved.ts';
import { readSentinel, writeSentinel } from './sentinel.ts';
import { ensureSigningKey } from './signing-key.ts';
import { ensureSynapseSecrets } from './synapse-secrets.ts';

/** Where the operator drops and reads; group members may as well. */
const shared: FolderMode = { least: 0o770 };
const readable: FolderMode = { least: 0o755 };

const volumeFolders: readonly (readonly [name: string, mode: FolderMode])[] = [
  ['inbox', shared],
  ['inbox/pending', shared],
  ['inbox/running', shared],
  ['outbox', readable],
  ['outbox/done', readable],
  ['outbox/rejected', readable],
  ['outbox/failed', readable],
  ['outbox/cancelled', readable],
  ['outbox/invalid', readable],
  ['workspaces', shared],
  ['memory', readable],
  ['runs', readable],
  ['logs', readable],
  ['logs/runner', readable],
  ['logs/gateway', readable],
  ['logs/matrix-listener', readable],
  ['logs/dashboard', readable],
];

/**
 * Everything that must be there before the first service starts: folders, owners, keys, the example workspace. Safe to run
 * again, also after having been interrupted; what is there already is left alone.
 * @throws InitError when the operator has to mend something first
 */
export async function prepare(config: InitConfig, report: Report): Promise<void> {
  const owner: Owner = { uid: config.uid, gid: config.gid };
  await refuseMoved(config.volumes);
  const found = await readSentinel(config.volumes, owner);
  const sentinel: HomeSentinel = {
    version: homeFormat,
    id: found?.id ?? randomUUID(),
    ...owner,
    workspaces: found?.workspaces ?? [],
  };
  await letThrough(config.volumes, owner, report);
  // Recorded before anything is given away: from here on a start with other ids is refused. What else an older version wrote is
  // brought up to date by whoever reads it.
  if (found?.writtenAs !== homeFormat) await writeSentinel(config.volumes, sentinel);
  if (found !== null && found.writtenAs !== homeFormat)
    report('changed', `${config.volumes} from format ${found.writtenAs} to ${homeFormat}`);

  for (const [name, mode] of volumeFolders) await ensureFolder(join(config.volumes, name), owner, mode, report);
  // The launcher is root without any capability: it can write only where root is the owner. Its files get the group through
  // the folder, so that the others can read them; none may put anything in their place.
  const launcher: Owner = { uid: config.rootUid, gid: config.gid };
  await ensureFolder(join(config.volumes, 'logs/launcher'), launcher, { exact: 0o2750 }, report);

  for (const name of ['cli', 'runner', 'enrol', 'matrix-listener', 'synapse', 'dashboard'])
    await ensureFolder(join(config.secrets, name), owner, { exact: 0o700 }, report);
  await ensureFolder(join(config.secrets, 'launcher'), launcher, { exact: 0o750 }, report);
  await ensureSigningKey(config.secrets, { holder: 'cli', channel: 'shell' }, owner, report);
  await ensureSigningKey(config.secrets, { holder: 'matrix-listener', channel: 'matrix' }, owner, report);
  await ensureSigningKey(config.secrets, { holder: 'dashboard', channel: 'dashboard' }, owner, report);
  await ensureLauncherKey(config.secrets, launcher, report);
  await ensureLoginToken(config.secrets, owner, report);
  await ensureSynapseSecrets(config.secrets, owner, report);
  await adoptBotToken(config.secrets, owner, report);

  // A sandbox's own user passes through by a slot's name, and can list nothing.
  for (const name of ['slots', 'model-slots'])
    await ensureFolder(join(config.named, name), owner, { exact: 0o711 }, report);
  for (const name of ['spool-shell', 'spool-matrix', 'spool-dashboard'])
    await ensureFolder(join(config.named, name), owner, { exact: 0o770 }, report);
  for (const name of ['gateway-control', 'matrix-door', 'page-socket'])
    await ensureFolder(join(config.named, name), owner, { exact: 0o2770 }, report);
  for (const name of ['listener-state', 'synapse', 'dashboard-index'])
    await ensureFolder(join(config.named, name), owner, { exact: 0o700 }, report);
  for (const name of ['launcher-control', 'launcher-services'])
    await ensureFolder(join(config.named, name), launcher, { exact: 0o2750 }, report);

  const workspace = join(config.volumes, 'workspaces', firstWorkspace);
  if (sentinel.workspaces.includes(firstWorkspace)) {
    report('left alone', workspace);
    return;
  }
  report((await makeFirstWorkspace(config.volumes, owner)) ? 'made' : 'left alone', workspace);
  await writeSentinel(config.volumes, { ...sentinel, workspaces: [...sentinel.workspaces, firstWorkspace] });
}

/** The folder itself is the operator's own: it is only made passable, and only when the services could not reach what is in it. */
async function letThrough(volumes: string, owner: Owner, report: Report): Promise<void> {
  const status = await stat(volumes).catch((cause: unknown) => {
    throw new InitError(`${volumes} cannot be read: mount the operator's folder there.`, { cause });
  });
  const passBit = status.uid === owner.uid ? 0o100 : status.gid === owner.gid ? 0o010 : 0o001;
  if ((status.mode & passBit) !== 0) return;
  await chmod(volumes, (status.mode & 0o7777) | passBit);
  report('changed', volumes);
}
