import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '@countersign/contracts/condition.ts';
import { ConfinementAspect, type ConfinementProof, confinementExit } from '@countersign/contracts/confinement.ts';
import { confinementWords } from '@countersign/contracts/confinement-words.ts';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { makeFolder } from '@countersign/kit/files.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { refusalOf } from './clients.ts';
import { confinementLimits } from './confinement-limits.ts';
import { exchange } from './exchange.ts';
import { frameWithoutModel } from './frame-without-model.ts';
import { makeOf, type SandboxPool } from './pool.ts';
import { whyLost } from './why-lost.ts';

/** A profile as tasks of a workspace get it; null for the profile's own image. */
type Wanted = { readonly profile: Profile; readonly workspace: string | null };

type Tried = { readonly proof: ConfinementProof /** Of the clock. */; readonly atMs: number };

type Parts = {
  readonly pool: Pick<SandboxPool, 'makeWithoutModel' | 'release' | 'sandboxes'>;
  readonly journal: Pick<Journal, 'append'>;
  /** Where the output of each is kept, in a folder of the profile's name. */
  readonly folder: string;
  readonly now: () => Date;
  /** Told of all proofs each time that one changes. */
  readonly told: (proofs: readonly ConfinementProof[]) => Promise<void>;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

/** The one command of each aspect, in the order of the aspects; the sandbox says by its exit code what came of it. */
export function confinementCommands(runtime: Profile['runtime']): string[] {
  return ConfinementAspect.options.map((aspect) => `node /app/agent/confinement/main.js ${aspect} ${runtime}`);
}

/**
 * Tries to get out of a sandbox of each make that tasks get, before any of them gets one. Invariant: no make is `confined` whose every
 * aspect was not tried in a sandbox of exactly that make since the launcher was last away.
 */
export class Confinement {
  readonly #parts: Parts;
  readonly #clock: () => number;
  readonly #tried = new Map<string, Tried>();
  readonly #wanted = new Map<string, Wanted>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? (() => performance.now());
  }

  /** Why no task may have such a sandbox now, or null when it may. What was not tried yet is tried in the next turn. */
  hold(profile: Profile, workspace: string | null): string | null {
    const proof = this.#tried.get(makeOf(profile))?.proof;
    if (proof?.status === 'confined') return null;
    this.#want({ profile, workspace });
    return proof === undefined
      ? `sandboxes of profile ${profile.name} are tried for leaks first`
      : confinementWords(proof);
  }

  /** Nothing is known any more: another engine may make them from now on. */
  async forget(): Promise<void> {
    this.#wanted.clear();
    if (this.#tried.size === 0) return;
    this.#tried.clear();
    await this.#parts.told([]);
  }

  /**
   * Tries what is due: these, and what tasks wait for.
   * @returns whether a make may be used from now on that could not be before
   */
  async turn(profiles: readonly Profile[], leave: AbortSignal): Promise<boolean> {
    for (const profile of profiles) this.#want({ profile, workspace: null });
    this.#drop(profiles);
    let isNew = false;
    for (const [make, wanted] of this.#wanted) {
      if (leave.aborted) break;
      if (!this.#isDue(make)) continue;
      const proof = await this.#prove(wanted, leave);
      leave.throwIfAborted();
      await this.#keep(make, proof);
      isNew ||= proof.status === 'confined';
    }
    return isNew;
  }

  /** What no task gets any more. Of the images that workspaces have, the newest are kept; another one is tried anew when it is needed. */
  #drop(profiles: readonly Profile[]): void {
    const current = new Set(profiles.map(makeOf));
    const others = [...this.#tried].filter(([, { proof }]) => proof.toolchain === 'workspace');
    const kept = new Set(others.slice(-confinementLimits.workspaceImages).map(([make]) => make));
    for (const make of this.#tried.keys()) if (!current.has(make) && !kept.has(make)) this.#tried.delete(make);
    for (const [make, { profile }] of this.#wanted)
      if (profile.toolchain === 'own' && !current.has(make)) this.#wanted.delete(make);
  }

  #want(wanted: Wanted): void {
    this.#wanted.set(makeOf(wanted.profile), wanted);
  }

  #isDue(make: string): boolean {
    const tried = this.#tried.get(make);
    if (tried === undefined) return true;
    if (tried.proof.status === 'confined') return false;
    return this.#clock() - tried.atMs >= confinementLimits.againMs[tried.proof.status];
  }

  async #keep(make: string, proof: ConfinementProof): Promise<void> {
    const before = this.#tried.get(make)?.proof;
    const isNews = before?.status !== proof.status || before.failed.join() !== proof.failed.join();
    if (isNews)
      await this.#parts.journal.append({
        phase: 'service',
        agent_role: 'runner',
        event: 'confinement_tried',
        summary: confinementWords(proof).slice(0, 4_000),
        data: { ...proof },
      });
    this.#tried.delete(make);
    this.#tried.set(make, { proof, atMs: this.#clock() });
    if (proof.status === 'confined') this.#wanted.delete(make);
    await this.#parts.told([...this.#tried.values()].map((tried) => tried.proof));
  }

  async #prove({ profile, workspace }: Wanted, leave: AbortSignal): Promise<ConfinementProof> {
    const { name, toolchain, image, runtime } = profile;
    const at = this.#parts.now().toISOString();
    const about = { profile: name, toolchain, image, runtime, at };
    try {
      const checks = await this.#check(profile, workspace, leave);
      const leaks = ConfinementAspect.options.filter((_, index) => checks[index]?.exit_code === confinementExit.leaks);
      const open = ConfinementAspect.options.filter((_, index) => checks[index]?.exit_code !== confinementExit.held);
      if (leaks.length > 0) return { ...about, status: 'leaks', failed: leaks, reason: '' };
      if (open.length === 0) return { ...about, status: 'confined', failed: [], reason: '' };
      return { ...about, status: 'untried', failed: open, reason: `${open.join(', ')} did not come to an end` };
    } catch (error) {
      const reason = refusalOf(error).slice(0, 500);
      return { ...about, status: 'untried', failed: [...ConfinementAspect.options], reason };
    }
  }

  /** How each aspect ended, in their order. @throws Error when no sandbox could be had, or it was lost */
  async #check(profile: Profile, workspace: string | null, leave: AbortSignal): Promise<readonly Check[]> {
    const { pool } = this.#parts;
    const folder = join(this.#parts.folder, profile.name);
    const [stdout, stderr, incoming] = [
      join(folder, 'stdout.log'),
      join(folder, 'stderr.log'),
      join(folder, 'incoming'),
    ];
    for (const path of [stdout, stderr, incoming]) await rm(path, { recursive: true, force: true });
    await makeFolder(incoming);
    const slot = await pool.makeWithoutModel(profile, workspace);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort('time limit'), confinementLimits.timeMs);
    try {
      const outcome = await exchange({
        slot,
        assignment: { task: taskOf(profile), texts: [], packs: [] },
        files: { folder: incoming, stdout, stderr },
        lost: () => whyLost(pool, slot),
        progress: () => undefined,
        stop: late.signal,
        leave,
      });
      if (!outcome.ok) throw new Error(outcome.reason);
      await outcome.acknowledge();
      return outcome.delivery.end.checks ?? [];
    } finally {
      clearTimeout(timer);
      // When this process ends, the next one finds a sandbox that no task has, and removes it.
      if (!leave.aborted) await pool.release(slot);
      // After the sandbox: a folder that stays is removed by the next proof, and a sandbox that stays holds a place.
      await rm(incoming, { recursive: true, force: true });
    }
  }
}

function taskOf({ runtime }: Profile): TaskFrame {
  return frameWithoutModel({
    task: 'confinement',
    mode: 'verify',
    conditions: confinementCommands(runtime),
    output_bytes: confinementLimits.outputBytes,
    repositories: [],
  });
}
