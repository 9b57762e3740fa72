import type { Image } from '../image.ts';
import { exampleImage } from './fake-engine.ts';

/** What `scripts/countersign image` makes for a workspace, as the engine reports it. */
export function workspaceImage(workspace: string, config: Readonly<Record<string, unknown>> = {}): Image {
  return {
    id: `sha256:${'c3'.repeat(32)}`,
    layers: [...exampleImage.layers, `sha256:${'03'.repeat(32)}`],
    config: {
      ...exampleImage.config,
      Healthcheck: { Test: ['NONE'] },
      Labels: {
        ...(exampleImage.config['Labels'] as Record<string, string>),
        'countersign.workspace': workspace,
        'countersign.dockerfile': '4'.repeat(64),
      },
      ...config,
    },
  };
}
