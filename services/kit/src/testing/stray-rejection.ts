import { setTimeout as sleep } from 'node:timers/promises';
import { aborted, runService } from '../run-service.ts';

/** A service that works for ever, in which something fails that nobody waits for. */
await runService(async (stop) => {
  process.stdout.write('at work\n');
  void sleep(50).then(() => {
    throw new Error('nobody waits for this');
  });
  const working = setInterval(() => undefined, 1_000);
  await aborted(stop);
  clearInterval(working);
});
