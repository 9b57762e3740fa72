import { WorkspaceName } from '@countersign/contracts/names.ts';

/** The folders of a workspace in the memory; what else lies there is nobody's of ours. */
export const memoryFolders = ['tasks', 'decisions', 'notes', 'handoffs'] as const;
export type MemoryFolder = (typeof memoryFolders)[number];

/** What the repository holds at its top for whoever opens the folder. */
export const readmeName = 'README.md';

const markdown = /^[A-Za-z0-9_][A-Za-z0-9_. -]{0,116}\.md$/;
const names = {
  tasks: /^T\d{4,8}(?:-[A-Za-z0-9_][A-Za-z0-9_.-]{0,100})?\.md$/,
  decisions: markdown,
  notes: markdown,
  handoffs: /^\d{8}T\d{9}Z-[a-z0-9][a-z0-9-]{1,31}-\d{1,6}\.yaml$/,
} as const satisfies Record<MemoryFolder, RegExp>;

/** Whether a file of this name is one of the folder's. Nothing that git would read as an option, a quote or a path is. */
export function isMemoryName(folder: MemoryFolder, name: string): boolean {
  return names[folder].test(name);
}

/** Whether a path of the repository, relative to its top, is one that we read, write and commit. */
export function isMemoryPath(path: string): boolean {
  if (path === readmeName) return true;
  const [workspace, folder, name, ...rest] = path.split('/');
  const known = memoryFolders.find((each) => each === folder);
  if (workspace === undefined || known === undefined || name === undefined || rest.length > 0) return false;
  return WorkspaceName.safeParse(workspace).success && isMemoryName(known, name);
}
