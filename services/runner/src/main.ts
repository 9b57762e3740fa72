import { createLogger } from '@countersign/kit/logger.ts';
import { runService } from '@countersign/kit/run-service.ts';
import { readRunnerConfig } from './config.ts';
import { runRunner } from './create-runner.ts';
import { Layout } from './state/layout.ts';

await runService(async (stop) => {
  const config = await readRunnerConfig(process.env);
  await runRunner(config, createLogger('runner', config.logLevel, new Layout(config.home).logs), stop);
});
