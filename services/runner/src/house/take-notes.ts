import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import { HouseNote, houseNotes } from '@countersign/contracts/house.ts';
import { isMissing, namesIn, syncFolder } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { voidAfterMove } from './void-after-move.ts';

type Journaling = Pick<Context, 'journal' | 'layout' | 'tasks' | 'now'>;

/**
 * Turns what was done to the whole house while nobody wrote its journals into events, once each: a note goes when its event is durable
 * and what follows from it is done. A house that was just moved in has what was asked for or approved made void first.
 * @param isAtWork tasks are being worked on, so that only an export can have happened
 * @param told notes that stand in the journal; they become more
 */
export async function takeNotes(context: Journaling, isAtWork: boolean, told: Set<string>): Promise<void> {
  const folder = join(context.layout.runs, houseNotes);
  const names = (await namesIn(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name)).sort();
  for (const name of names) {
    const note = await readNote(join(folder, name));
    if (note === null || (isAtWork && note.kind !== 'exported')) continue;
    if (!told.has(note.id)) await context.journal.append(eventOf(note));
    told.add(note.id);
    if (note.kind === 'imported') await voidAfterMove(context);
    await rm(join(folder, name), { force: true });
    await syncFolder(folder);
  }
}

/** Null for one that is gone, or is none. */
async function readNote(path: string): Promise<HouseNote | null> {
  try {
    return HouseNote.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function eventOf(note: HouseNote): EventBody {
  const common = { phase: 'service', agent_role: 'operator' } as const;
  const { archive, at, id, with_workspaces } = note;
  const workspaces = with_workspaces ? 'with its workspaces' : 'without its workspaces';
  switch (note.kind) {
    case 'exported':
      return {
        ...common,
        event: 'house_exported',
        summary: `the house was exported ${workspaces}, keys included${note.left ? ', and left' : ''}; archive ${archive.slice(0, 8)}`,
        data: { note: id, archive, at, with_workspaces, left: note.left },
      };
    case 'imported':
      return {
        ...common,
        event: 'house_imported',
        summary: `the house moved in ${workspaces}, as it was at ${note.exported_at}; archive ${archive.slice(0, 8)}`,
        data: {
          note: id,
          archive,
          at,
          with_workspaces,
          home: note.home,
          exported_at: note.exported_at,
          product_version: note.product_version,
        },
      };
  }
}
