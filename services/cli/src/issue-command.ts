import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Command,
  commandFileName,
  readSigningKey,
  signCommand,
  type UnsignedCommand,
} from '@countersign/contracts/command.ts';
import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { CliError, type ExitCode, exitCodes } from './failure.ts';
import { runnerAbsence } from './status-rows.ts';
import { type Context, print } from './terminal.ts';
import { VerdictReader } from './verdict.ts';

/** What a person asks for: the command's kind and subject. */
export type Request = Command extends infer Each
  ? Each extends Command
    ? Pick<Each, 'kind' | 'subject'>
    : never
  : never;

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
export async function issueCommand(context: Context, request: Request, options: IssueOptions): Promise<ExitCode> {
  const { config, stdout, stderr } = context;
  const command = await sign(context, request, options.evidence);
  const text = JSON.stringify(command);
  if (Buffer.byteLength(text) > commandLimits.fileBytes)
    throw new CliError('refused', `the command is larger than ${commandLimits.fileBytes} bytes`);
  const verdicts = await VerdictReader.atEnd(config.volumes);
  await writeFileAtomic(join(config.spool, commandFileName(command)), text);

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

async function sign({ config }: Context, request: Request, evidence: string): Promise<Command> {
  const key = await readKey(config.secrets);
  const now = Date.now();
  const envelope = {
    version: 1 as const,
    id: randomBytes(16).toString('base64url'),
    actor: { channel: 'shell' as const, user: config.user },
    evidence: [...evidence].slice(0, 400).join(''),
    issued_at: new Date(now).toISOString(),
    expires_at: new Date(now + commandLimits.lifetimeMs).toISOString(),
    key_id: keyIdOf('shell', createPublicKey(key)),
  };
  const unsigned: UnsignedCommand = { ...envelope, ...request };
  return signCommand(unsigned, key);
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
