import { createHash } from 'node:crypto';
import type { WorkspaceName } from '@countersign/contracts/names.ts';

/**
 * The name, without a tag, of the image that `scripts/countersign image` makes for a workspace; `scripts/lib/workspace-image.sh`
 * makes the same name. The engine's names are lower-case and folders' are not: a digest of the exact name keeps `App` and `app` apart.
 */
export function workspaceImageName(workspace: WorkspaceName): string {
  const readable = workspace
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const digest = createHash('sha256').update(workspace).digest('hex').slice(0, 12);
  return `countersign/workspace-${readable === '' ? '' : `${readable}-`}${digest}`;
}
