import childProcess, { type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import timers from 'node:timers/promises';
import { interposeFiles } from './interpose-files.ts';
import { interposeStreams } from './interpose-streams.ts';
import { currentLife, type Life } from './life.ts';
import { systemError } from './perform.ts';

let isDone = false;

/** Stands between every life of this process and its disk; what belongs to no life is let through as it is. */
export async function interpose(): Promise<void> {
  if (isDone) return;
  isDone = true;
  await interposeFiles(fs.promises);
  interposeStreams(fs);
  interposeServers();
  interposeSleep();
  interposeDatabases();
  interposeSpawn();
  syncBuiltinESMExports();
}

function interposeServers(): void {
  const { createServer } = net;
  const listening = (...args: Parameters<typeof createServer>) => {
    const server = createServer(...args);
    currentLife()?.ownServer(server);
    return server;
  };
  net.createServer = listening as typeof createServer;
}

/** The kernel's locks, which SQLite holds for a process, end with it. The module's own names cannot be replaced. */
function interposeDatabases(): void {
  const { prototype } = DatabaseSync;
  const { exec } = prototype;
  prototype.exec = function (this: DatabaseSync, sql: string) {
    currentLife()?.ownDatabase(this);
    exec.call(this, sql);
  };
}

/** A dead process's loops do not turn any more. */
function interposeSleep(): void {
  const sleep = timers.setTimeout;
  timers.setTimeout = (async (...args: Parameters<typeof sleep>) => {
    const life = currentLife();
    const slept = await sleep(...args);
    if (life?.isDead === true) await new Promise(() => undefined);
    return slept;
  }) as typeof sleep;
}

/** A program's start is a step, and its end too: what it does in between is shown by deaths of real processes. */
function interposeSpawn(): void {
  const { spawn } = childProcess;
  const spawning = (file: string, args: readonly string[], options: childProcess.SpawnOptions): ChildProcess => {
    const life = currentLife();
    return life === undefined ? spawn(file, args, options) : spawnIn(life, file, args, options);
  };
  childProcess.spawn = spawning as typeof spawn;

  function spawnIn(
    life: Life,
    file: string,
    args: readonly string[],
    options: childProcess.SpawnOptions,
  ): ChildProcess {
    const path = `${describe(file, args)} in ${String(options.cwd)}`;
    if (life.isDead) throw systemError('ESRCH', 'spawn', path);
    const { step, fate } = life.reach('spawn', path.replace(`${life.ground}/`, ''), true);
    if (fate?.kind === 'error') throw systemError(fate.code, 'spawn', path);
    if (fate?.kind === 'death' && fate.moment === 'before') {
      life.die(step);
      throw systemError('ESRCH', 'spawn', path);
    }
    const child = spawn(file, args, options);
    life.ownChild(child);
    if (fate?.kind === 'death' && fate.moment === 'after') child.once('exit', () => life.die(step));
    if (fate?.kind === 'death' && fate.moment === 'torn') child.once('spawn', () => life.die(step));
    return child;
  }
}

/** The program and, of git, the command, without the settings that stand before it. */
function describe(file: string, args: readonly string[]): string {
  let index = 0;
  while (args[index] === '-c') index += 2;
  return `${file} ${args[index] ?? ''}`;
}
