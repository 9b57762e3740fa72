import { Writable } from 'node:stream';
import type { SandboxProfile } from '@countersign/contracts/config/sandbox.ts';
import { pino } from 'pino';
import { ProfileBook } from '../profile-book.ts';
import { createRoutes } from '../routes.ts';
import { Sandboxes } from '../sandboxes.ts';
import { ToldOrders } from '../services/told-orders.ts';
import { FakeEngine } from './fake-engine.ts';
import { ingredients } from './ingredients.ts';

/** A launcher without its socket, on an engine in memory, with two profiles; `log` collects what it logs. */
export function launcherParts(
  options: {
    engine?: FakeEngine;
    now?: () => number;
    stop?: AbortSignal;
    epoch?: string;
    defaultProfile?: 'unset';
  } = {},
) {
  const engine = options.engine ?? new FakeEngine();
  const log: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'debug', base: null },
    new Writable({
      write(chunk, _encoding, written) {
        log.push(JSON.parse(String(chunk)));
        written();
      },
    }),
  );
  const { project, slotsVolume, modelSlotsVolume, profile } = ingredients;
  const stack = { project, slotsVolume, modelSlotsVolume, epoch: options.epoch ?? 'epoch-now' };
  const { warm: _, ...withoutWarm } = profile;
  const known = new Map<string, SandboxProfile>([
    ['default', options.defaultProfile === 'unset' ? withoutWarm : profile],
    ['unset', withoutWarm],
    ['strict', { ...profile, runtime: 'runsc' }],
    ['absent', { ...profile, image: 'countersign/absent:local' }],
  ]);
  const profiles = new ProfileBook(known, engine, stack, 'local', logger, options.now);
  const sandboxes = new Sandboxes(engine, profiles, stack, logger);
  const stop = options.stop ?? new AbortController().signal;
  const told = new ToldOrders();
  return {
    engine,
    log,
    logger,
    profiles,
    sandboxes,
    told,
    app: createRoutes({ engine, profiles, sandboxes, told }, logger, stop),
  };
}
