import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '@countersign/contracts/page-api.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { readStart } from '../files/read-text.ts';
import { shownText } from '../files/shown-text.ts';
import { queryLimits } from './limits.ts';
import { leftOut, maskSecrets } from './mask-secrets.ts';

/** Folders of the configuration that are looked into. */
const folders = ['', 'prompts/'];
const shownNames = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.(?:env|yaml|yml|json|md|txt|conf)$/;

/**
 * The files of the configuration as they are, without what is secret in them. Of a file in which something was left out the digest is
 * that of what is shown: a password could be guessed by the other one.
 */
export async function readConfiguration(configs: string): Promise<Configuration> {
  const names = (await Promise.all(folders.map((folder) => namesIn(configs, folder)))).flat();
  const files: Configuration['files'] = [];
  for (const name of names.slice(0, queryLimits.configFiles)) {
    const start = await readStart(configs, name, queryLimits.configBytes);
    if (start === null) continue;
    const { text, truncated } = shownText(start.bytes, start.size);
    const { text: shown, masked } = maskSecrets(text);
    files.push(
      truncated
        ? { name, sha256: sha256(leftOut), text: leftOut, masked: 1 }
        : { name, sha256: sha256(masked === 0 ? start.bytes : shown), text: shown, masked },
    );
  }
  return { files };
}

async function namesIn(configs: string, folder: string): Promise<string[]> {
  try {
    const found = await readdir(join(configs, folder));
    return found
      .filter((name) => shownNames.test(name))
      .sort()
      .map((name) => `${folder}${name}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
