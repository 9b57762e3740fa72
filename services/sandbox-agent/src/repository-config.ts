import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const agentName = 'Countersign agent';
const agentEmail = 'agent@countersign.invalid';
/** Committer of everything that is committed here, as git writes it. */
export const agentIdentity = `${agentName} <${agentEmail}>`;

/** The result of a task is always what this ref names. */
export const resultRef = 'refs/heads/agent';

/**
 * Writes a repository's whole `.git/config`: our identity, and nothing that starts a program. Written before the tool starts, and
 * again before its work is collected, so that no filter, hook or include of the tool's has a say in that.
 * @param objectId any object name of the repository; its length tells SHA-1 from SHA-256
 */
export async function writeRepositoryConfig(folder: string, objectId: string): Promise<void> {
  const sha256 = objectId.length === 64;
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    '\tfilemode = true',
    '\tbare = false',
    '\tlogallrefupdates = true',
    ...(sha256 ? ['[extensions]', '\tobjectformat = sha256'] : []),
    '[user]',
    `\tname = ${agentName}`,
    `\temail = ${agentEmail}`,
    '[gc]',
    '\tauto = 0',
  ];
  await replaceFile(join(folder, '.git', 'config'), `${lines.join('\n')}\n`);
}

/** Says that the history ends at these commits, whose parents were never sent. */
export async function writeShallow(folder: string, ends: readonly string[]): Promise<void> {
  const lines = [...new Set(ends)].map((end) => `${end}\n`);
  await replaceFile(join(folder, '.git', 'shallow'), lines.join(''));
}

/** Whatever lies at the path, a link or a folder too, gives way to a new file. */
async function replaceFile(path: string, text: string): Promise<void> {
  await rm(path, { force: true, recursive: true });
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o644,
  );
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}
