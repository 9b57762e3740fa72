import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { EnrolError } from './enrol-error.ts';
import { rotate } from './rotate.ts';
import { readRotateConfig } from './rotate-config.ts';

/**
 * What `scripts/countersign rotate-bot-token` runs in a container. With `--given` the token is what is read: in an argument it would be
 * in the list of processes.
 */
const { values } = parseArgs({
  options: {
    given: { type: 'boolean', default: false },
    now: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
process.umask(0o077);
try {
  const given = values.given ? (await text(process.stdin)).trim() : null;
  const { bot, listener, ended } = await rotate(readRotateConfig(process.env), given, !values.now, (line) => {
    if (!values.json) process.stderr.write(`${line}\n`);
  });
  if (values.json) process.stdout.write(`${JSON.stringify({ bot, listener, sessions_ended: ended })}\n`);
  else process.stdout.write(`${bot} has a new token; what it had before is worth nothing any more.\n`);
} catch (error) {
  if (!(error instanceof EnrolError || error instanceof ConfigError)) throw error;
  process.stderr.write(`countersign: ${error.message}\n`);
  process.exitCode = 1;
}
