import { afterEach, expect, it } from 'vitest';
import { operatorGit } from '../testing/repository.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

/** Of what would take git hours. */
const timeout = 60_000;
const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
}, timeout);

/** What comes back of a tool, and the names of the files that are in its result. */
async function endOf(script: string) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const link = await sandbox.runner.accept();
  await link.hello();
  link.sendTask(shellTask(sandbox, script), [], [sandbox.repository.pack]);
  const { end } = await link.receive();
  const [{ head = '' } = {}] = end.bundles;
  const listed = operatorGit(sandbox.paths.workspace, ['ls-tree', '-r', '-z', '--name-only', head]);
  return { end, names: listed.toString().split('\0').slice(0, -1) };
}

it('S054 files that hold nothing and say they are 1 TiB large cost their names alone, and keep no work back', {
  timeout,
}, async () => {
  const { end, names } = await endOf(`
    echo 1 > work.txt; mkdir -p deep; truncate -s 1T sparse 'deep/odd *'; truncate -s 1T readme.md; truncate -s 16M small`);
  expect(end).toMatchObject({ exit_code: 0, reason: 'failed', error_class: 'result_refused' });
  for (const name of ['sparse', 'deep/odd *', 'readme.md']) expect(end.message).toContain(`${name} (${2 ** 40} bytes)`);
  expect(end.message).toMatch(/larger than \d+ bytes: .* could not be kept/);
  expect(names).toEqual(['readme.md', 'small', 'work.txt']);
});

it('S054 a large file beside an index that git cannot use is left out as well', { timeout }, async () => {
  const { end, names } = await endOf('echo 1 > work.txt; truncate -s 1T sparse; echo x > .git/index');
  expect(end.message).toContain('sparse (1099511627776 bytes) could not be kept');
  expect(names).toEqual(['readme.md', 'work.txt']);
});

it('S054 folders that are deeper than any path, with the longest of names, hold nobody up', {
  timeout: 60_000,
}, async () => {
  const deep = 'for (1..4096) { mkdir "d" x 255 or die; chdir "d" x 255 or die } open F, ">", "f"; print F 1; close F';
  const { end, names } = await endOf(`echo 1 > work.txt; perl -e '${deep}'; touch ${'n'.repeat(255)}`);
  expect(end).toMatchObject({ exit_code: 0, reason: 'finished' });
  expect(names).toEqual(['n'.repeat(255), 'readme.md', 'work.txt']);
});
