import { aborted, runService } from '@countersign/kit/run-service.ts';
import { readSettings } from './config.ts';
import { createLauncher } from './launcher.ts';

await runService(async (stop) => {
  await using _launcher = await createLauncher(readSettings(process.env));
  await aborted(stop);
});
