import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { parseCommandLine } from '../arguments.ts';
import { auditHome } from '../audit/audit-home.ts';
import { formatFinding } from '../audit/finding.ts';
import { type RoomHeads, readRoomHeads } from '../audit/room-heads.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { cliLimits } from '../limits.ts';
import { readLimited } from '../read-limited.ts';
import { type Context, print } from '../terminal.ts';

/** `audit`: whether everything that was written down is still there, and unchanged. */
export async function audit({ config, stdin, stdout }: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, { room: { type: 'boolean' } }, { least: 0, most: 0 });
  const room = values.room === true ? readRoomHeads(await readLimited(stdin, cliLimits.roomBytes, tooLong)) : undefined;
  const found = await auditHome(config.volumes, room);
  const { findings, notes, journals, events, tasks } = found;
  if (values.json === true) print(stdout, inertJson(found));
  else {
    const listed = findings.slice(0, cliLimits.auditListed);
    print(
      stdout,
      ...listed.map((finding) => inertLine(formatFinding(finding))),
      ...(findings.length > listed.length ? [`and ${findings.length - listed.length} more: see --json`] : []),
      ...notes.slice(0, cliLimits.auditListed).map((note) => `note: ${inertLine(formatFinding(note))}`),
      `${journals} journals, ${events} events, ${tasks} tasks${room === undefined ? '' : `, ${countOf(room)} messages of the room`}: ${findings.length === 0 ? 'everything is as it was written' : `${findings.length} not as written`}`,
    );
  }
  return findings.length === 0 ? exitCodes.ok : exitCodes.refused;
}

const tooLong = `the file has more than ${cliLimits.roomBytes >> 20} MiB: have the client write fewer messages, the newest`;

function countOf(room: RoomHeads): number {
  return room.values().reduce((count, heads) => count + heads.length, 0);
}
