import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { houseLimits } from '@countersign/contracts/limits.ts';
import { Sha256 } from '@countersign/contracts/names.ts';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { z } from 'zod';
import { ByteReader } from './house/byte-reader.ts';
import { readHouseConfig } from './house/config.ts';
import { exportHouse } from './house/export-house.ts';
import { HouseError } from './house/house-error.ts';
import { importHouse, verifyHouse } from './house/import-house.ts';
import { noteExport, takeBack } from './house/leave-note.ts';
import { exportText, importText } from './house/report-text.ts';
import { InitError } from './init-error.ts';

/**
 * What `scripts/countersign export` and `import` run in a container: `export`, `note <sha256>`, `take-back`, `verify`, `import`. The
 * first line of standard input is the passphrase; an archive follows it, or goes to standard output.
 */
const exits = { refused: 1, busy: 75 } as const;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    json: { type: 'boolean', default: false },
    'with-workspaces': { type: 'boolean', default: false },
    left: { type: 'boolean', default: false },
    replace: { type: 'boolean', default: false },
  },
});

process.umask(0o077);
try {
  await act(positionals[0] ?? '');
} catch (error) {
  if (!(error instanceof HouseError || error instanceof InitError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof HouseError && error.busy ? exits.busy : exits.refused;
}

async function act(what: string): Promise<void> {
  const { places, owner } = readHouseConfig(process.env);
  const now = new Date();
  switch (what) {
    case 'export': {
      const options = { withWorkspaces: values['with-workspaces'], productVersion: await productVersion(), now };
      const report = await exportHouse(places, options, await passphraseOf(input()), process.stdout);
      const text = values.json ? `${JSON.stringify(report)}\n` : exportText(report);
      process.stderr.write(`archive ${report.archive} ${report.archive_bytes}\n${text}`);
      return;
    }
    case 'note': {
      const archive = Sha256.parse(positionals[1]);
      return noteExport(places, owner, { archive, withWorkspaces: values['with-workspaces'], left: values.left, now });
    }
    case 'take-back':
      process.stdout.write((await takeBack(places)) ? 'taken back\n' : 'not marked\n');
      return;
    case 'verify': {
      const reader = input();
      await verifyHouse(places, { replace: values.replace }, await passphraseOf(reader), reader);
      return;
    }
    case 'import': {
      const reader = input();
      const options = { owner, replace: values.replace, now };
      const report = await importHouse(places, options, await passphraseOf(reader), reader);
      process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : importText(report));
      return;
    }
    default:
      throw new HouseError(`${JSON.stringify(what)} is nothing that is done here`);
  }
}

function input(): ByteReader {
  return new ByteReader(process.stdin);
}

async function passphraseOf(reader: ByteReader): Promise<Buffer> {
  const line = await reader.line(houseLimits.passphraseBytes.most);
  if (line === null)
    throw new HouseError(`The passphrase is one line of at most ${houseLimits.passphraseBytes.most} bytes.`);
  return Buffer.from(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
}

async function productVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
