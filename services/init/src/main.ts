import { ConfigError } from '@countersign/kit/config-file.ts';
import { readInitConfig } from './config.ts';
import { InitError } from './init-error.ts';
import { prepare } from './prepare.ts';

// What is made for the services is theirs by explicit bits, whatever the caller's mask is.
process.umask(0);

try {
  await prepare(readInitConfig(process.env), (what, subject) => process.stdout.write(`${what}: ${subject}\n`));
} catch (error) {
  if (!(error instanceof InitError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
