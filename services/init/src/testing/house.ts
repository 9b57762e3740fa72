import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { type HouseManifest, houseFormat } from '@countersign/contracts/house.ts';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import { writeArchive } from '../house/archive.ts';
import { ByteReader } from '../house/byte-reader.ts';
import { exportHouse } from '../house/export-house.ts';
import { importHouse, verifyHouse } from '../house/import-house.ts';
import type { Step } from '../house/place.ts';
import { type Places, secretFolders, stateVolumes } from '../house/places.ts';
import { type DeriveKey, makeSalt } from '../house/seal.ts';

/** As good as the real one but for its price. */
export const quickKey: DeriveKey = (words, salt) => createHash('sha256').update(salt).update(words).digest();

const passphrase = Buffer.from('correct horse battery');
export const homeId = '0b9f3a52-6d0c-4c1e-9d0e-6d6d6d6d6d6d';
const now = new Date('2026-11-28T12:00:00.000Z');
// As root everything goes to another user, as in the stack; anybody else can only give to himself.
export const owner =
  process.getuid?.() === 0
    ? { uid: 10_001, gid: 10_002 }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

export function houseManifest(): HouseManifest {
  return {
    version: houseFormat,
    product: 'countersign',
    product_version: '0.1.0',
    home_format: 2,
    home: homeId,
    created_at: '2026-11-28T10:00:00.000Z',
    architecture: 'x64',
    with_workspaces: false,
    workspaces: [],
    tasks: {},
    seal: { key: 'scrypt-131072-8-1', salt: makeSalt(), cipher: 'aes-256-gcm' },
  };
}

export const sentinel = (version = 2) =>
  JSON.stringify({ version, id: homeId, ...{ uid: 4321, gid: 4321 }, workspaces: ['mini-control-plane'] });

/** Folders as a first start makes them, with whatever else is given by its path. */
export function makeHouse(files: Readonly<Record<string, string>> = {}): Places {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-house-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of [
    ...['inbox/pending', 'inbox/running', 'outbox/done', 'runs', 'memory', 'workspaces', 'logs'].map(
      (name) => `home/${name}`,
    ),
    'configs',
    ...secretFolders.map((name) => `secrets/${name}`),
    ...stateVolumes.map((name) => `named/${name}`),
  ])
    mkdirSync(join(folder, path), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const at = (name: string) => join(folder, name);
  return { home: at('home'), configs: at('configs'), secrets: at('secrets'), named: at('named') };
}

export async function exported(places: Places, withWorkspaces = false, words = passphrase) {
  const parts: Buffer[] = [];
  const output = new Writable({
    write: (part, _encoding, done) => {
      parts.push(part);
      done();
    },
  });
  const report = await exportHouse(places, { withWorkspaces, productVersion: '0.1.0', now }, words, output, quickKey);
  return { archive: Buffer.concat(parts), report };
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += 65_536) yield bytes.subarray(from, from + 65_536);
}

const readerOf = (archive: Uint8Array) => new ByteReader(inPieces(archive));

export const verified = (places: Places, archive: Uint8Array, replace = false, words = passphrase) =>
  verifyHouse(places, { replace }, words, readerOf(archive), quickKey);

export const imported = (places: Places, archive: Uint8Array, replace = false, step: Step = () => undefined) =>
  importHouse(places, { owner, replace, now, step }, passphrase, readerOf(archive), quickKey);

type Entry = { readonly name: string; readonly type?: string; readonly linkname?: string; readonly content?: string };

/** An archive of whatever members, well sealed. */
export async function forged(entries: readonly Entry[], manifest = houseManifest()): Promise<Buffer> {
  const tar = pack();
  for (const { name, type = 'file', linkname, content = '' } of entries)
    tar.entry({ name, type: type as 'file', ...(linkname === undefined ? {} : { linkname }) }, content);
  tar.finalize();
  const bytes = Buffer.concat((await Array.fromAsync(tar)) as Buffer[]);
  return forgedTar(zstdCompressSync(bytes), manifest);
}

export async function forgedTar(compressed: Uint8Array, manifest = houseManifest()): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeArchive(manifest, passphrase, inPieces(compressed), quickKey)));
}

export const folders = (...names: string[]): Entry[] => names.map((name) => ({ name, type: 'directory' }));
export const sentinelEntry: Entry = { name: 'home/.countersign.json', content: sentinel() };

/** Everything below a folder, by name: content of files, targets of links. */
export async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const said = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await lstat(path);
      if (found.isSymbolicLink()) return [name, `-> ${await readlink(path)}`];
      return [name, found.isDirectory() ? '/' : await readFile(path, 'utf8')];
    }),
  );
  return Object.fromEntries(said);
}

export const run = 'home/runs/RUN-20261128-001';
export const record = (status: string) =>
  JSON.stringify({ version: 2, id: 'abcde', file: 'x.md', workspace: 'app', state: { status, reason: 'r' } });

/** A house in use, with something in every part of it. */
export const used = () =>
  makeHouse({
    'home/.countersign.json': sentinel(),
    'home/inbox/waits.md': 'workspace: app\n',
    'home/inbox/.submitted-0123456789abcdef': 'workspace: app\n',
    'home/outbox/done/x.md': 'workspace: app\n',
    [`${run}/run.yaml`]: 'version: 2\n',
    [`${run}/telemetry.jsonl`]: '{}\n',
    [`${run}/tasks/abcde/task.json`]: record('queued'),
    [`${run}/tasks/abcde/attempts/1/stdout.log`]: 'output',
    [`${run}/tasks/abcde/attempts/1/incoming/bundle-0`]: 'half',
    'home/runs/telemetry.jsonl': '{}\n',
    'home/runs/.cache/packs/x.pack': 'cache',
    'home/runs/.runner.lock': 'process 7',
    'home/runs/.reserve': 'room',
    'home/runs/.0123456789abcdef01234567.tmp': 'half-written',
    'home/memory/app/tasks/T0001.md': 'remember',
    'home/logs/runner/runner.log': 'log',
    'home/workspaces/app/read.me': 'mine',
    'home/workspaces/app/.git/HEAD': 'ref: refs/heads/main\n',
    'home/workspaces/app/.git/objects/ab/cd': 'object',
    'configs/stages.yaml': 'version: 1\n',
    'configs/prompts/plan.yaml': 'system: plan\n',
    'secrets/cli/signing.key.pem': 'PRIVATE KEY of the shell',
    'secrets/matrix-listener/matrix-bot.env': 'MATRIX_BOT_TOKEN=syt_token\n',
    'secrets/dashboard/login-token': 'token\n',
    'secrets/runner/prod-code.seed': 'SEED\n',
    'secrets/launcher/dashboard.pub.pem': 'PUBLIC KEY of the page',
    'named/listener-state/state.json': '{"since":"s1"}',
    'named/spool-dashboard/000-command.json': '{"kind":"reject"}',
    'named/spool-shell/000-command.json': '{"kind":"approve"}',
    'named/synapse/homeserver.db': 'database with words',
  });

/** What a first start has made on another machine. */
export const fresh = () =>
  makeHouse({
    'home/.countersign.json': sentinel().replace(homeId, '11111111-1111-4111-8111-111111111111'),
    'home/runs/telemetry.jsonl': 'of the fresh start',
    'home/inbox/.gitkeep': '',
    'home/workspaces/mini-control-plane/README.md': 'example',
    'configs/stages.yaml': 'version: 1\n# as shipped\n',
    'secrets/cli/signing.key.pem': 'another private key',
    'named/synapse/homeserver.db': 'fresh',
    'named/synapse/homeserver.db-wal': 'of the fresh one',
  });
