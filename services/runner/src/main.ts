import { clearHealth } from '@countersign/kit/health.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { runService } from '@countersign/kit/run-service.ts';
import { homeFolder, readRunnerConfig } from './config.ts';
import { runRunner } from './create-runner.ts';
import { HomeGuard } from './state/home-guard.ts';
import { Layout } from './state/layout.ts';

await runService(async (stop) => {
  const layout = new Layout(homeFolder(process.env));
  // Before anything is written, what an earlier runner said of itself included: it may be another one's that works.
  await using guard = await HomeGuard.enter(layout, process.getuid?.() ?? 0, stop);
  const { logs } = layout;
  await clearHealth(logs);
  const config = await readRunnerConfig(process.env);
  await runRunner(config, guard, createLogger('runner', config.logLevel, logs), stop);
});
