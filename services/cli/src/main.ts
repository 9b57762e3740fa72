import { commandLimits } from '@countersign/contracts/limits.ts';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { stopSignal } from '@countersign/kit/stop-signal.ts';
import { readCliConfig } from './config.ts';
import { exitCodes } from './failure.ts';
import { cliLimits } from './limits.ts';
import { runCli } from './run-cli.ts';

try {
  process.exitCode = await runCli(process.argv.slice(2), {
    config: readCliConfig(process.env),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stopSignal(),
    verdictWaitMs: commandLimits.verdictWaitMs,
    workWaitMs: { merge: cliLimits.mergeWaitMs, rebase: cliLimits.rebaseWaitMs, cancel: cliLimits.cancelWaitMs },
  });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = exitCodes.usage;
}
