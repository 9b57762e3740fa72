import { houseLimits } from '@countersign/contracts/limits.ts';
import { HouseError } from './house-error.ts';
import { isPartOfHouse } from './places.ts';

type Common = {
  /** Relative to the archive's root, with `/` between its parts. */
  readonly name: string;
  /** Permission bits, without those that raise anybody's rights. */
  readonly mode: number;
  readonly changedAt: Date;
};
/** One thing in an archive. */
export type Member =
  | (Common & { readonly kind: 'folder' })
  | (Common & { readonly kind: 'file' /** In bytes. */; readonly size: number })
  | (Common & { readonly kind: 'link'; readonly target: string });

/** What a tar's header says, as its reader gives it. */
export type Header = {
  readonly name: string;
  readonly type?: string | null | undefined;
  readonly mode?: number | undefined;
  readonly mtime?: Date | undefined;
  readonly size?: number | undefined;
  readonly linkname?: string | null | undefined;
};

const plainBits = 0o777;

/** @throws HouseError for what no export of ours writes, whoever wrote it */
export function memberOf({ name: said, type, mode = 0, mtime, size = 0, linkname }: Header): Member {
  const name = said.endsWith('/') ? said.slice(0, -1) : said;
  const shown = JSON.stringify(name.slice(0, 200));
  const steps = name.split('/');
  if (steps.some((step) => step === '' || step === '.' || step === '..') || name.includes('\0'))
    throw refused(`${shown} leads elsewhere`);
  if (Buffer.byteLength(name) > houseLimits.nameBytes || steps.length > houseLimits.depth)
    throw refused(`${shown} is too long a name`);
  if (!isPartOfHouse(name)) throw refused(`${shown} is no part of a house`);
  const common = { name, mode: mode & plainBits, changedAt: mtime ?? new Date(0) };
  switch (type) {
    case 'directory':
      return { ...common, kind: 'folder' };
    case 'file':
      return { ...common, kind: 'file', size };
    case 'symlink':
      // Nothing else of a house holds one; and none is ever gone through.
      if (!isInWorkspace(name)) throw refused(`${shown} is a link`);
      if (!linkname || linkname.includes('\0') || Buffer.byteLength(linkname) > houseLimits.nameBytes)
        throw refused(`${shown} is a link to nowhere`);
      return { ...common, kind: 'link', target: linkname };
    default:
      throw refused(`${shown} is a ${JSON.stringify(type ?? 'thing of an unknown kind')}`);
  }
}

/** Something inside of a workspace, which is the operator's own and may hold links. */
export function isInWorkspace(name: string): boolean {
  return /^home\/workspaces\/[^/]+\/./.test(name);
}

/**
 * Whether a link of a workspace stays in it, by its words alone. It may climb at its beginning and only there: behind the name of
 * another link, `..` would leave from wherever that one leads to.
 */
export function staysInWorkspace(name: string, target: string): boolean {
  if (target.startsWith('/')) return false;
  const depth = name.split('/').slice(3, -1).length;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const climbs = steps.findIndex((step) => step !== '..');
  if (climbs < 0) return steps.length <= depth;
  return climbs <= depth && !steps.slice(climbs).includes('..');
}

/**
 * The order of an archive: every folder before what is in it, and all that is in it before anything else. So no name can stand there
 * twice, and nothing can lie below a file or a link. Needs memory for the folders that are open, not for the whole.
 */
export class Order {
  readonly #open: { readonly name: string; readonly names: Set<string> }[] = [{ name: '', names: new Set() }];

  /** @throws HouseError for a member that is not in order */
  next({ name, kind }: Member): void {
    const end = name.lastIndexOf('/');
    const [parent, own] = end < 0 ? ['', name] : [name.slice(0, end), name.slice(end + 1)];
    while (this.#open.length > 1 && this.#open.at(-1)?.name !== parent) this.#open.pop();
    const folder = this.#open.at(-1);
    if (folder?.name !== parent)
      throw refused(`${JSON.stringify(name.slice(0, 200))} does not lie in a folder of the archive`);
    if (folder.names.has(own)) throw refused(`${JSON.stringify(name.slice(0, 200))} stands there twice`);
    folder.names.add(own);
    if (kind === 'folder') this.#open.push({ name, names: new Set() });
  }
}

function refused(what: string): HouseError {
  return new HouseError(`The archive is refused: ${what}. Nothing was changed.`);
}
