import { existsSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@countersign/contracts/command.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { House } from './house.ts';
import type { Surroundings } from './surroundings.ts';

/** What people have done to a house so far, and what has been acknowledged to them. */
export class Operator {
  readonly house: House;
  /** What was dropped into the inbox, by name. */
  readonly dropped = new Map<string, string>();
  /** Every command that was put into the spool, by id. */
  readonly commands = new Map<string, Command>();

  readonly #told: (path: string) => void;

  /** @param told of what was dropped */
  constructor(house: House, told: (path: string) => void) {
    this.house = house;
    this.#told = told;
  }

  /** As people do it who know: written elsewhere, and renamed into place. */
  drop(name: string, text: string): void {
    if (this.dropped.has(name)) return;
    this.dropped.set(name, text);
    const temporary = join(this.house.folder, `dropped-${name}`);
    writeFileSync(temporary, text);
    // Long before it is renamed, which shows that it is whole; the clock of a file system is coarse.
    utimesSync(temporary, 0, 0);
    const path = join(this.house.layout.queue('inbox'), name);
    renameSync(temporary, path);
    this.#told(path);
  }

  /** Signs a command and puts it into the spool, once for each id. */
  command(id: string, what: Pick<Command, 'kind' | 'subject'>): void {
    if (this.commands.has(id)) return;
    const command = this.house.sign(id, what);
    this.commands.set(id, command);
    const temporary = join(this.house.folder, `command-${id}`);
    writeFileSync(temporary, JSON.stringify(command));
    renameSync(temporary, this.house.fileOfCommand(command));
  }

  /** A verdict was given: the command's file is gone. */
  isAnswered(id: string): boolean {
    const command = this.commands.get(id);
    return command !== undefined && !existsSync(this.house.fileOfCommand(command));
  }
}

export type Scene = {
  readonly operator: Operator;
  readonly surroundings: Surroundings;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
};

/** A piece of work from one house to another, driven by what people do. */
export type Scenario = {
  readonly name: string;
  /** Scenarios that lead to the house in which this one begins. */
  readonly after: Scenario | null;
  /** Whether sandboxes can be had; without them what is accepted and decided on waits. */
  readonly launcherAnswers: boolean;
  /** Whether a task's cancellation is one of its ends; else it is a loss. */
  readonly cancels?: boolean;
  /** Called again and again; does whatever people would do next. Returns whether everything has come to its end. */
  act(scene: Scene): boolean;
};
