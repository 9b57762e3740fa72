import { ConfigError } from '@countersign/kit/config-file.ts';
import { readEnrolConfig } from './config.ts';
import { enrol } from './enrol.ts';
import { EnrolError } from './enrol-error.ts';

try {
  await enrol(readEnrolConfig(process.env), (line) => process.stdout.write(`${line}\n`));
} catch (error) {
  if (!(error instanceof EnrolError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
