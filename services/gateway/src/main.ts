import { aborted, runService } from '@countersign/kit/run-service.ts';
import { readConfig } from './config.ts';
import { createGateway } from './create-gateway.ts';

await runService(async (stop) => {
  await using _gateway = await createGateway(await readConfig(process.env));
  await aborted(stop);
});
