import type { Ingredients } from '../policy.ts';
import { exampleImage } from './fake-engine.ts';

export const ingredients: Ingredients = {
  project: 'countersign',
  slotsVolume: 'countersign_slots',
  modelSlotsVolume: 'countersign_model-slots',
  epoch: 'e0',
  slot: '0123456789abcdef0123456789abcdef',
  profileName: 'default',
  profile: {
    image: 'countersign/sandbox:local',
    runtime: 'auto',
    memory_mb: 3072,
    cpus: 2,
    pids: 256,
    workspace_mb: 2048,
    tmp_mb: 1024,
    warm: 2,
  },
  imageId: exampleImage.id,
  runtime: 'runc',
};
