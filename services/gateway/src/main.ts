import { clearHealth } from '@countersign/kit/health.ts';
import { aborted, runService } from '@countersign/kit/run-service.ts';
import { readConfig, readLogsFolder } from './config.ts';
import { createGateway } from './create-gateway.ts';

await runService(async (stop) => {
  await clearHealth(readLogsFolder(process.env));
  await using _gateway = await createGateway(await readConfig(process.env));
  await aborted(stop);
});
