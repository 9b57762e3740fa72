import { join } from 'node:path';

/** Where everything lies; the defaults are the container's. */
export type AgentPaths = {
  readonly controlSocket: string;
  readonly modelSocket: string;
  /** Where its tool can ask a person. */
  readonly roomSocket: string;
  readonly workspace: string;
  /** Holds the three folders below. */
  readonly temporary: string;
  /** The container's shared memory, which is a folder that everybody can write to as well. */
  readonly sharedMemory: string;
  /** HOME of the tool. */
  readonly home: string;
  /** Texts and `task.json` for the tool, and `out/` for what it leaves. */
  readonly task: string;
  /** Packs, captured output and bundles. */
  readonly spool: string;
};

/** The folders that the container is given: two with sockets, and three of its own. */
type AgentFolders = {
  readonly slot: string;
  readonly model: string;
  readonly workspace: string;
  readonly temporary: string;
  readonly sharedMemory: string;
};

export function agentPaths({ slot, model, workspace, temporary, sharedMemory }: AgentFolders): AgentPaths {
  return {
    controlSocket: join(slot, 'control.sock'),
    modelSocket: join(model, 'ollama.sock'),
    roomSocket: join(model, 'synapse.sock'),
    workspace,
    temporary,
    sharedMemory,
    home: join(temporary, 'home'),
    task: join(temporary, 'task'),
    spool: join(temporary, 'agent'),
  };
}
