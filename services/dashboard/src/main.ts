import { clearHealth, HealthFile } from '@countersign/kit/health.ts';
import { runService } from '@countersign/kit/run-service.ts';
import { readDashboardConfig, readLogsFolder } from './config.ts';
import { runDashboard } from './create-dashboard.ts';

await runService(async (stop) => {
  const logs = readLogsFolder(process.env);
  await clearHealth(logs);
  try {
    const { config, secrets } = await readDashboardConfig(process.env);
    await runDashboard(config, secrets, stop);
  } catch (error) {
    // Whoever looks for the service's health finds why there is none.
    const reason = error instanceof Error ? error.message : String(error);
    await new HealthFile(logs, 'dashboard').beat('failing', reason);
    throw error;
  }
});
