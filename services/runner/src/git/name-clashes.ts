import type { ObjectId } from '@countersign/contracts/names.ts';
import { foldName } from './fold-name.ts';
import { git } from './git.ts';

/** `kind` tells files, links, folders and submodules apart, not who may execute. */
type Entry = { readonly name: string; readonly kind: string };

/**
 * Names in the whole tree of a result that some file systems take for one, so that a checkout there writes one through the other.
 * What the base has already is the operator's own affair. Returns the refusal, or null. @throws GitError
 */
export async function checkNameClashes(folder: string, base: ObjectId, tip: ObjectId): Promise<string | null> {
  const known = new Set((await entriesOf(folder, base)).map(identity));
  const seen = new Map<string, Entry[]>();
  for (const entry of await entriesOf(folder, tip)) {
    const folded = foldName(entry.name);
    const others = seen.get(folded);
    if (others === undefined) seen.set(folded, [entry]);
    else others.push(entry);
  }
  for (const entries of seen.values()) {
    const [one, other] = entries;
    if (one === undefined || other === undefined || entries.every((entry) => known.has(identity(entry)))) continue;
    return `${JSON.stringify(one.name)} and ${JSON.stringify(other.name)} are one name where case and spelling do not count`;
  }
  return null;
}

/** Every path of a tree, folders too. */
async function entriesOf(folder: string, commit: ObjectId): Promise<Entry[]> {
  const listing = (await git(folder, ['ls-tree', '-r', '-t', '-z', '--full-tree', commit])).toString('utf8');
  return listing.split('\0').flatMap((line) => {
    const [, kind, name] = /^(\d\d)\d{4} \w+ [0-9a-f]+\t(.*)$/s.exec(line) ?? [];
    return kind === undefined || name === undefined ? [] : [{ kind, name }];
  });
}

function identity({ kind, name }: Entry): string {
  return `${kind} ${name}`;
}
