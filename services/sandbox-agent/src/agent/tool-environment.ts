import type { AgentPaths } from './paths.ts';

/** Everything that a tool or a condition finds in its environment; nothing of the agent's own goes along. */
export function toolEnvironment(paths: AgentPaths): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: paths.home,
    LANG: 'C.UTF-8',
    COUNTERSIGN_TASK_FOLDER: paths.task,
  };
}

/** What a tool needs besides to find its model. */
export function modelEnvironment(modelPort: number): Record<string, string> {
  return { OLLAMA_HOST: `http://127.0.0.1:${modelPort}` };
}
