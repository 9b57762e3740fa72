import { clearHealth, HealthFile } from '@countersign/kit/health.ts';
import { runService } from '@countersign/kit/run-service.ts';
import { readListenerConfig, readLogsFolder } from './config.ts';
import { runListener } from './create-listener.ts';

await runService(async (stop) => {
  const logs = readLogsFolder(process.env);
  await clearHealth(logs);
  try {
    const { config, secrets } = await readListenerConfig(process.env);
    await runListener(config, secrets, stop);
  } catch (error) {
    // Whoever looks for the service's health finds why there is none.
    const reason = error instanceof Error ? error.message : String(error);
    await new HealthFile(logs, 'matrix-listener').beat('failing', reason);
    throw error;
  }
});
// The Matrix library leaves timers behind that would keep the process for as long as its last request might have taken.
process.exit();
