import type { SandboxErrorClass } from '@countersign/contracts/frames.ts';
import type { Ended } from '../process.ts';
import type { LimitReached } from './limit-reached.ts';

/** Why an attempt is over. */
export type Outcome =
  | { readonly kind: 'finished' }
  | { readonly kind: 'stopped'; readonly message: string; readonly limit: LimitReached | undefined }
  | { readonly kind: 'failed'; readonly errorClass: SandboxErrorClass; readonly message: string };

/** What a tool's own end says; what it left behind may still make it worse. */
export function outcomeOf(ended: Ended, command: string): Outcome {
  switch (ended.kind) {
    case 'exited':
      if (ended.code === 0) return { kind: 'finished' };
      return { kind: 'failed', errorClass: 'tool_failed', message: `the tool exited with ${ended.code}` };
    case 'killed':
      return { kind: 'failed', errorClass: 'tool_failed', message: `the tool was ended by ${ended.signal}` };
    case 'missing':
      return {
        kind: 'failed',
        errorClass: 'tool_missing',
        message: `${command} could not be started: ${ended.message}`,
      };
  }
}
