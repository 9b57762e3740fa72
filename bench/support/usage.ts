import Docker from 'dockerode';
import { z } from 'zod';

const megabyte = 1024 ** 2;

/** The engine's own account of a container's cgroup: what ended in it, like a health check, has counted. */
const Stats = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({
    // `anon` of cgroup v2, `rss` of v1.
    stats: z.looseObject({ anon: z.number().optional(), rss: z.number().optional() }),
  }),
});

/** Processor time since the container began, in ms, and the memory that no file could give back, in MB. */
export type Usage = { readonly cpuMs: number; readonly anonymousMb: number };

const engine = new Docker();

/** What each service of a stack has used by now, by the service's name. */
export async function usageOf(project: string): Promise<ReadonlyMap<string, Usage>> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const containers = await engine.listContainers({ filters });
  const read = containers.map(async ({ Id, Labels }) => {
    const { cpu_stats, memory_stats } = Stats.parse(
      await engine.getContainer(Id).stats({ stream: false, 'one-shot': true }),
    );
    const anonymous = memory_stats.stats.anon ?? memory_stats.stats.rss ?? Number.NaN;
    const usage = { cpuMs: cpu_stats.cpu_usage.total_usage / 1e6, anonymousMb: anonymous / megabyte };
    return [Labels['com.docker.compose.service'] ?? '', usage] as const;
  });
  return new Map((await Promise.all(read)).sort(([a], [b]) => a.localeCompare(b)));
}

/** Containers of a stack that are others' programs. */
export const notOurs: ReadonlySet<string> = new Set(['synapse', 'ollama', 'rehearsal-model']);
