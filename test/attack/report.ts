import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/stack.ts';
import type { Profile } from './profiles.ts';

/** `ended`: neither came to an end by itself, for the sandbox ended before. */
export type Verdict = 'blocked' | 'reached' | 'ended';

type Line = {
  readonly id: string;
  readonly what: string;
  readonly profile: Profile['name'];
  /** Why something is other than under runc; empty where nothing is. */
  readonly why: string;
  shipped: Verdict | 'not tried';
  /** What it came to with one protection less, or why that was not tried. */
  control: string;
};

const file = join(root, '.cache/test/reports/attacks.md');

/** What each attack came to in each profile, as a table that a person reads. */
export class Report {
  readonly #lines: Line[] = [];

  begin(id: string, what: string, profile: Profile['name'], why: string): Line {
    const line: Line = { id, what, profile, why, shipped: 'not tried', control: 'not tried' };
    this.#lines.push(line);
    return line;
  }

  async write(): Promise<void> {
    const head = ['id', 'attack', 'profile', 'as it is made', 'with one protection less', 'why other than under runc'];
    const rows = this.#lines
      .toSorted((one, other) => one.id.localeCompare(other.id) || one.what.localeCompare(other.what))
      .map(({ id, what, profile, shipped, control, why }) => [id, what, profile, shipped, control, why]);
    const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, `${table.join('\n')}\n`);
  }
}
