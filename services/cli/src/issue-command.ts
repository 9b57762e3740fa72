import { type KeyObject, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, readSigningKey } from '@countersign/contracts/command.ts';
import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { type AskedCommand, giveCommand, spoolCommand } from '@countersign/kit/command-spool.ts';
import { CliError, type ExitCode, exitCodes } from './failure.ts';
import { runnerAbsence } from './status-rows.ts';
import { type Context, print } from './terminal.ts';
import { VerdictReader } from './verdict.ts';

/** What came of the work that an accepted command began: lines for people, facts for programs. */
export type Ending = {
  readonly code: ExitCode;
  readonly lines: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
};

export type IssueOptions = {
  readonly json: boolean;
  readonly wait: boolean;
  readonly evidence: string;
  /** Waits for the end of what an accepted command begins. */
  readonly follow?: () => Promise<Ending>;
};

/** Signs a command, puts it into the spool, and tells the runner's verdict on it and what came of it. @throws CliError */
export async function issueCommand(context: Context, request: AskedCommand, options: IssueOptions): Promise<ExitCode> {
  const { config, stdout, stderr } = context;
  const command = await sign(context, request, options.evidence);
  const verdicts = await VerdictReader.atEnd(config.volumes);
  await spool(config.spool, command);

  const absence = await runnerAbsence(config.volumes);
  const answer = { command: command.id, kind: command.kind, task: null };
  if (!options.wait) {
    const reason = absence ?? 'the runner takes it next';
    print(stdout, options.json ? inertJson({ ...answer, verdict: 'waiting', summary: reason }) : `kept: ${reason}`);
    return exitCodes.ok;
  }
  if (absence !== null) print(stderr, `${absence}; the command is kept, waiting for a verdict`);
  const verdict = await verdicts.wait(command.id, context.verdictWaitMs, context.signal);
  if (verdict === null) {
    const reason = `no verdict yet: ${(await runnerAbsence(config.volumes)) ?? 'the runner is busy'}. The command is kept until ${command.expires_at} and is carried out when the runner takes it.`;
    if (options.json) print(stdout, inertJson({ ...answer, verdict: 'waiting', summary: reason }));
    else print(stderr, reason);
    return exitCodes.noVerdict;
  }
  const { accepted, summary, task } = verdict;
  if (!options.json) print(accepted ? stdout : stderr, `${accepted ? 'accepted' : 'refused'}: ${inertLine(summary)}`);
  const ending = accepted ? await options.follow?.() : undefined;
  const code = ending?.code ?? (accepted ? exitCodes.ok : exitCodes.refused);
  if (options.json)
    print(
      stdout,
      inertJson({ ...answer, task, verdict: accepted ? 'accepted' : 'refused', summary, ...ending?.facts }),
    );
  else if (ending !== undefined) print(code === exitCodes.ok ? stdout : stderr, ...ending.lines);
  return code;
}

async function sign({ config }: Context, request: AskedCommand, evidence: string): Promise<Command> {
  const key = await readKey(config.secrets);
  const giving = {
    id: randomBytes(16).toString('base64url'),
    actor: { channel: 'shell' as const, user: config.user },
    evidence: [...evidence].slice(0, 400).join(''),
    issuedMs: Date.now(),
  };
  return giveCommand(request, giving, key);
}

async function spool(folder: string, command: Command): Promise<void> {
  try {
    await spoolCommand(folder, command);
  } catch (cause) {
    if (cause instanceof RangeError) throw new CliError('refused', cause.message, { cause });
    throw cause;
  }
}

async function readKey(secrets: string): Promise<KeyObject> {
  const path = join(secrets, 'signing.key.pem');
  try {
    return readSigningKey(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new CliError(
      'refused',
      `commands cannot be signed: ${cause instanceof Error ? cause.message : String(cause)}. scripts/up makes the key.`,
      { cause },
    );
  }
}
