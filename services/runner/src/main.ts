import { createLogger } from '@countersign/kit/logger.ts';
import { stopSignal } from '@countersign/kit/stop-signal.ts';
import { readRunnerConfig } from './config.ts';
import { runRunner } from './create-runner.ts';
import { Layout } from './state/layout.ts';

const config = await readRunnerConfig(process.env);
const logger = createLogger('runner', config.logLevel, new Layout(config.home).logs);
await runRunner(config, logger, stopSignal());
