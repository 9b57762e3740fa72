import type { CommandRequest, Decision } from '@countersign/contracts/page-api.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';

/** What the launcher does, and not the runner. */
export type ServiceRequest = Extract<CommandRequest, { kind: 'service_start' | 'service_stop' }>;
export type RunnerRequest = Exclude<Decision, ServiceRequest>;

/** A request in the words of a command: what stands beside its kind is its subject, but for the code, which no digest is to hold. */
export function askedCommand({ kind, ...rest }: RunnerRequest): AskedCommand {
  const { code, ...subject } = { code: undefined, ...rest };
  // Each kind has the same fields in both schemas; signing parses it, and refuses one that has not.
  return { kind, subject, ...(code === undefined ? {} : { code }) } as AskedCommand;
}
