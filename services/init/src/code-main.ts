import { parseArgs } from 'node:util';
import { codeText } from './code/code-text.ts';
import { makeSeed } from './code/make-seed.ts';
import { InitError } from './init-error.ts';

/** What `scripts/countersign enrol-code` runs in a container: makes the seed of the one-time codes, and shows it once. */
const { values } = parseArgs({
  options: { again: { type: 'boolean', default: false }, picture: { type: 'boolean', default: false } },
});
process.umask(0o077);
try {
  const made = await makeSeed(process.env['CODE_SECRETS'] ?? '/secrets', values.again);
  if (made.made) process.stdout.write(codeText(made, values.picture));
  else {
    process.stderr.write(
      'countersign: there is a seed already, which is not shown again; --again makes another, and the codes of this one count no more\n',
    );
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof InitError)) throw error;
  process.stderr.write(`countersign: ${error.message}\n`);
  process.exitCode = 1;
}
