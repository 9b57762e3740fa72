import { once } from 'node:events';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { stopSignal } from '@countersign/kit/stop-signal.ts';
import { readSettings } from './config.ts';
import { createLauncher } from './launcher.ts';

try {
  const stop = stopSignal();
  await using _launcher = await createLauncher(readSettings(process.env));
  if (!stop.aborted) await once(stop, 'abort');
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
