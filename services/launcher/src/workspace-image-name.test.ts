import { expect, test } from 'vitest';
import { workspaceImageName } from './workspace-image-name.ts';

test('a workspace has an image name that the engine accepts, and no other workspace has it', () => {
  const names = ['app', 'App', 'APP', 'a.p-p_1', 'a-p.p_1', '_', '__', '-'.padEnd(64, 'x').replace('-', '_'), '9'];
  const images = names.map(workspaceImageName);
  for (const image of images) expect(image).toMatch(/^[a-z0-9]+\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/);
  expect(new Set(images).size).toBe(names.length);
});

test('the name is readable where it can be', () => {
  expect(workspaceImageName('Mini_Control.plane')).toMatch(/^countersign\/workspace-mini-control-plane-[0-9a-f]{12}$/);
  expect(workspaceImageName('_')).toMatch(/^countersign\/workspace-[0-9a-f]{12}$/);
});
