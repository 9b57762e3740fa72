import type { ConfinementProof } from '@countersign/contracts/confinement.ts';
import type { CommandAnswer, ServiceRow, TaskRow } from '@countersign/contracts/page-api.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { before } from './fixture-tasks.ts';

/** Everything that the fixture's answers are made from; a test changes it as it likes. */
export type House = {
  readonly tasks: Map<string, TaskRow>;
  /** How often a task's facts have changed; the first are 1. */
  readonly versions: Map<string, number>;
  readonly verdicts: Map<string, CommandAnswer>;
  services: ServiceRow[];
  queue: QueueState | null;
  position: number;
  logLines: number;
  logLine: (index: number) => string;
};

const confined: ConfinementProof = {
  profile: 'default',
  toolchain: 'own',
  image: `sha256:${'3f9a'.repeat(16)}`,
  runtime: 'runsc',
  at: before(12),
  status: 'confined',
  failed: [],
  reason: '',
};

export function houseOf(tasks: readonly TaskRow[]): House {
  return {
    tasks: new Map(tasks.map((task) => [task.task ?? task.file, task])),
    versions: new Map(),
    verdicts: new Map(),
    services: servicesNow(),
    queue: { version: 1, paused: null, breakers: [], sandboxes: [confined] },
    position: 1,
    logLines: 1_000_000,
    logLine,
  };
}

function logLine(index: number): string {
  if (index % 97 === 0) return `plain words with \u202e and <img src=x onerror=alert(11)> at ${index}`;
  return JSON.stringify({
    level: index % 41 === 0 ? 50 : index % 13 === 0 ? 40 : 30,
    time: Date.UTC(2026, 2, 4) + index * 100,
    msg: index % 41 === 0 ? 'the model does not answer' : 'looked at the inbox',
    place: index,
  });
}

function servicesNow(): ServiceRow[] {
  const names = ['runner', 'matrix-listener', 'launcher', 'gateway', 'rehearsal-model', 'dashboard'];
  return names.map((name) => ({
    name,
    status: name === 'gateway' ? 'waiting' : 'ok',
    reason: name === 'gateway' ? 'the model server answers slowly' : '',
    report: {
      service: name,
      status: name === 'gateway' ? 'waiting' : 'ok',
      reason: '',
      ts: before(0.05),
      started_at: before(400),
    },
    container: {
      state: 'running',
      started_at: before(400),
      restarts: name === 'gateway' ? 2 : 0,
      image: `countersign/${name}:0.1.0`,
    },
    controllable: name === 'runner' || name === 'matrix-listener',
  }));
}
