import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunId, TaskId } from '@countersign/contracts/names.ts';
import { exists, namesIn } from '@countersign/kit/files.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { cliLimits } from '../limits.ts';
import { auditHeads, type Heads, headsFile } from './audit-heads.ts';
import { type AuditedJournal, auditJournal } from './audit-journal.ts';
import { auditQueue, type Filed, filedOf } from './audit-queue.ts';
import { auditTask, readRecord } from './audit-task.ts';
import { type Finding, type Findings, formatFinding } from './finding.ts';
import type { RoomHead, RoomHeads } from './room-heads.ts';

export type Audit = Findings & { readonly journals: number; readonly events: number; readonly tasks: number };

/**
 * Everything that the runner has written down, compared with itself and with what the room was told of it. Reads only. A task that
 * is just being moved on by a runner looks for a moment like one that was tampered with: only what stays so is told.
 */
export async function auditHome(volumes: string, room: RoomHeads = new Map()): Promise<Audit> {
  let audit = await auditOnce(volumes, room);
  for (let round = 1; round < cliLimits.auditRounds && audit.findings.length > 0; round += 1) {
    if ((await readHealth(join(volumes, 'logs/runner')))?.alive !== true) break;
    await sleep(cliLimits.auditRoundMs);
    const again = await auditOnce(volumes, room);
    const before = new Set(audit.findings.map(formatFinding));
    audit = { ...again, findings: again.findings.filter((finding) => before.has(formatFinding(finding))) };
  }
  return audit;
}

async function auditOnce(volumes: string, room: RoomHeads): Promise<Audit> {
  const found: Findings = { findings: [], notes: [] };
  // Before the journals: what it tells of was written before it.
  const heads = await auditHeads(volumes, found);
  const filed: Filed[] = [];
  const runs = (await namesIn(join(volumes, 'runs'))).filter((name) => RunId.safeParse(name).success).sort();
  const seen = new Set<string>();
  let events = 0;
  for (const name of ['service', ...runs]) {
    const folder = name === 'service' ? 'runs' : `runs/${name}`;
    const journal = await auditJournal(volumes, `${folder}/telemetry.jsonl`, name, heads, room, found);
    if (journal === null) {
      if (name !== 'service' && (await exists(join(volumes, folder, 'run.yaml'))) && heads?.claims.has(name) !== true)
        found.findings.push({ path: `${folder}/telemetry.jsonl`, line: null, what: 'this run has no journal' });
    } else {
      seen.add(name);
      events += journal.events;
      if (name === 'service') await auditAnchors(volumes, heads, journal, found);
      else filed.push(...(await auditTasks(volumes, folder, journal, found)));
    }
    if (journal === null) filed.push(...(await filedTasks(volumes, folder)));
    if (journal === null && heads?.claims.has(name) === true) found.findings.push(gone(name, folder, heads));
    await noteLeftovers(volumes, folder, found);
  }
  for (const name of heads?.claims.keys() ?? [])
    if (name !== 'service' && !runs.includes(name) && heads !== null)
      found.findings.push(gone(name, `runs/${name}`, heads));
  for (const [name, [posted]] of room)
    if (posted !== undefined && !seen.has(name) && heads?.claims.has(name) !== true)
      found.findings.push(missing(name, posted));
  await auditQueue(volumes, filed, found);
  return { ...found, journals: seen.size, events, tasks: filed.length };
}

function gone(name: string, folder: string, { claims }: Heads): Finding {
  const claim = claims.get(name);
  return {
    path: headsFile,
    line: claim?.line ?? null,
    what: `${folder}/telemetry.jsonl is gone, and had ${claim?.events} lines`,
  };
}

function missing(name: string, { said }: RoomHead): Finding {
  const path = name === 'service' ? 'runs/telemetry.jsonl' : `runs/${name}/telemetry.jsonl`;
  return { path, line: null, what: `it is gone, and the room was told of it (${said})` };
}

async function auditTasks(
  volumes: string,
  folder: string,
  { told, isWhole }: AuditedJournal,
  found: Findings,
): Promise<Filed[]> {
  // Behind a broken line nothing is known: what the journal says of its tasks is not the last word.
  if (!isWhole) return await filedTasks(volumes, folder);
  const filed: Filed[] = [];
  for (const one of told.values()) {
    const record = await auditTask(volumes, `${folder}/telemetry.jsonl`, one, found);
    if (record === null) continue;
    filed.push(filedOf(record));
  }
  for (const task of await namesIn(join(volumes, folder, 'tasks'))) {
    const path = `${folder}/tasks/${task}/task.json`;
    if (TaskId.safeParse(task).success && !told.has(task) && (await exists(join(volumes, path))))
      found.findings.push({ path, line: null, what: 'no event of the run tells of this task' });
  }
  return filed;
}

/** By their own records, where the journal does not tell. */
async function filedTasks(volumes: string, folder: string): Promise<Filed[]> {
  const filed: Filed[] = [];
  for (const task of await namesIn(join(volumes, folder, 'tasks'))) {
    const record = await readRecord(volumes, `${folder}/tasks/${task}/task.json`);
    if (record !== null) filed.push(filedOf(record));
  }
  return filed;
}

/** The runner's own journal tells how far `heads.jsonl` had come when it started: the two vouch for each other. */
async function auditAnchors(
  volumes: string,
  heads: Heads | null,
  journal: AuditedJournal,
  found: Findings,
): Promise<void> {
  if (heads === null) {
    const what = 'it is missing';
    if (journal.anchors.length === 0)
      found.notes.push({ path: headsFile, line: null, what: `${what}: it is made when the runner starts` });
    else found.findings.push({ path: headsFile, line: null, what });
    return;
  }
  const aside = (await namesIn(join(volumes, 'runs'))).filter((name) => name.startsWith('heads.jsonl.broken-'));
  for (const name of aside)
    found.findings.push({
      path: `runs/${name}`,
      line: null,
      what: 'the runner found it broken, and began another one',
    });
  const last = journal.anchors.findLast(({ seq }) => seq > 0);
  if (last === undefined || !heads.isWhole || heads.digests[last.seq - 1] === last.head) return;
  const what =
    last.seq > heads.digests.length
      ? `it ends here, and had ${last.seq} lines (runs/telemetry.jsonl:${last.line})`
      : `this is not the line that runs/telemetry.jsonl:${last.line} tells of`;
  found.findings.push({ path: headsFile, line: Math.min(last.seq, heads.digests.length + 1), what });
}

async function noteLeftovers(volumes: string, folder: string, { notes }: Findings): Promise<void> {
  for (const name of await namesIn(join(volumes, folder)))
    if (name.startsWith('telemetry.jsonl.cut-') || name.startsWith('heads.jsonl.cut-'))
      notes.push({
        path: `${folder}/${name}`,
        line: null,
        what: 'the tail of a line that was never acknowledged, kept',
      });
}
