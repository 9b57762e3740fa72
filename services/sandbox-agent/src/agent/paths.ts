import { join } from 'node:path';

/** Where everything lies; the defaults are the container's. */
export type AgentPaths = {
  readonly controlSocket: string;
  readonly modelSocket: string;
  readonly workspace: string;
  /** HOME of the tool. */
  readonly home: string;
  /** Texts and `task.json` for the tool, and `out/` for what it leaves. */
  readonly task: string;
  /** Packs, captured output and bundles. */
  readonly spool: string;
};

export function agentPaths(slot: string, workspace: string, temporary: string): AgentPaths {
  return {
    controlSocket: join(slot, 'control.sock'),
    modelSocket: join(slot, 'ollama.sock'),
    workspace,
    home: join(temporary, 'home'),
    task: join(temporary, 'task'),
    spool: join(temporary, 'agent'),
  };
}
