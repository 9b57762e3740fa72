import { clearHealth } from '@countersign/kit/health.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { runService } from '@countersign/kit/run-service.ts';
import { logsFolder, readRunnerConfig } from './config.ts';
import { runRunner } from './create-runner.ts';

await runService(async (stop) => {
  const logs = logsFolder(process.env);
  await clearHealth(logs);
  const config = await readRunnerConfig(process.env);
  await runRunner(config, createLogger('runner', config.logLevel, logs), stop);
});
