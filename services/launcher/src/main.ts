import { clearHealth } from '@countersign/kit/health.ts';
import { aborted, runService } from '@countersign/kit/run-service.ts';
import { readSettings } from './config.ts';
import { createLauncher } from './launcher.ts';

await runService(async (stop) => {
  const settings = readSettings(process.env);
  await clearHealth(settings.LAUNCHER_LOG_FOLDER);
  await using _launcher = await createLauncher(settings);
  await aborted(stop);
});
