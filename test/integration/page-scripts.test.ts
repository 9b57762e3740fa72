import { cp, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { StubMachine } from '../support/stub-machine.ts';

const token = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde';

let machine: StubMachine;
beforeEach(async () => {
  machine = await StubMachine.make();
  // It does whatever it is asked, and remembers what that was.
  await machine.stub(
    'docker',
    `printf '%s\\n' "$*" >>"$HOME/asked"
case "$*" in
  *Server.APIVersion*) echo 1.45 ;;
  *Server.Version*) echo 26.1.5 ;;
  "compose version"*) echo 2.26.1 ;;
esac`,
  );
  await cp(join(root, 'configs'), join(machine.folder, 'configs'), { recursive: true });
  await mkdir(join(machine.folder, 'secrets/dashboard'), { recursive: true });
  for (const service of ['gateway', 'matrix-listener']) {
    await mkdir(join(machine.folder, 'home/logs', service), { recursive: true });
    const report = { service, status: 'ok', reason: '', ts: 'x', started_at: 'x' };
    await writeFile(join(machine.folder, 'home/logs', service, 'health.json'), `${JSON.stringify(report)}\n`);
  }
});
afterEach(() => machine[Symbol.asyncDispose]());

const asked = () => readFile(join(machine.folder, 'asked'), 'utf8').catch(() => '');
const writeToken = (text: string) => writeFile(join(machine.folder, 'secrets/dashboard/login-token'), text);
const up = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  machine.run('up', ['--rehearsal', ...args], {
    COUNTERSIGN_CONFIGS: join(machine.folder, 'configs'),
    COUNTERSIGN_SECRETS: join(machine.folder, 'secrets'),
    COUNTERSIGN_REGISTRY: 'yes',
    DOCKER_SOCKET: '/var/run/docker.sock',
    ...more,
  });
const lastLine = (stdout: string) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');

describe('scripts/up', () => {
  test('prints the link that logs in, for people and as JSON', async () => {
    await writeToken(`${token}\n`);
    const link = `http://127.0.0.1:7860/login?token=${token}`;
    const json = await up(['--json']);
    expect(lastLine(json.stdout)).toMatchObject({ dashboard: link });
    expect(json.stderr).toContain(`  Dashboard      ${link}\n`);
    const plain = await up([], { COUNTERSIGN_PAGE_PORT: '7870' });
    expect(plain.stdout).toContain(`  Dashboard      http://127.0.0.1:7870/login?token=${token}\n`);
    expect(await readFile(join(machine.folder, 'settings.env'), 'utf8')).toMatch(/^COUNTERSIGN_PAGE_PORT='7870'$/m);
  });

  test('W30 the token stands in no argument, no setting and no log', async () => {
    await writeToken(`${token}\n`);
    for (const tool of ['sed', 'grep', 'tr', 'cut', 'cat', 'head', 'tail']) {
      const real = (await machine.call(`command -v ${tool}`)).stdout;
      await machine.stub(tool, `printf '%s\\n' "$*" >>"$HOME/asked"\nexec ${await realpath(real)} "$@"`);
    }
    const { exitCode, stdout } = await up(['--json']);
    expect(exitCode).toBe(0);
    expect(lastLine(stdout).dashboard).toContain(token);
    expect((await asked()).split('\n').length).toBeGreaterThan(10);
    expect(await asked()).not.toContain(token);
    expect(await readFile(join(machine.folder, 'settings.env'), 'utf8')).not.toContain(token);
    const logs = join(root, '.cache/logs');
    for (const name of await readdir(logs).catch(() => []))
      expect(await readFile(join(logs, name), 'utf8'), name).not.toContain(token);
  });

  test('says where the token is when there is none to be read', async () => {
    const { stdout, stderr } = await up(['--json']);
    expect(lastLine(stdout)).toMatchObject({ dashboard: null });
    expect(stderr).toContain(
      `http://127.0.0.1:7860, with the token in ${join(machine.folder, 'secrets/dashboard/login-token')}`,
    );
  });

  test('of a token that somebody else wrote nothing gets out that a terminal or JSON would act on', async () => {
    await writeToken('abc"\\\u001b]0;x\u0007,"home":"$(id)\n');
    expect(lastLine((await up(['--json'])).stdout)).toMatchObject({
      dashboard: 'http://127.0.0.1:7860/login?token=abc0xhomeid',
    });
  });

  test.each([
    ['Bind for 127.0.0.1:7870 failed: port is already allocated', 'COUNTERSIGN_PAGE_PORT'],
    ['listen tcp4 127.0.0.1:7870: bind: address already in use', 'COUNTERSIGN_PAGE_PORT'],
    ['Bind for 127.0.0.1:8008 failed: port is already allocated', 'COUNTERSIGN_MATRIX_PORT'],
  ])('on "%s" names the setting', async (words, setting) => {
    await machine.stub(
      'docker',
      `case "$*" in
  *Server.APIVersion*) echo 1.45 ;;
  *Server.Version*) echo 26.1.5 ;;
  "compose version"*) echo 2.26.1 ;;
  *" up "*) echo '${words}' >&2; exit 1 ;;
esac`,
    );
    const { exitCode, stderr } = await up(['--json'], { COUNTERSIGN_PAGE_PORT: '7870' });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`is taken[^.]*\\..*${setting}=`));
  });
});

describe('countersign enrol-code', () => {
  test('runs its one-shot, which reads nothing, and asks for no picture where there is no terminal', async () => {
    const { exitCode } = await machine.run('countersign', ['enrol-code']);
    expect(exitCode).toBe(0);
    expect((await asked()).trimEnd().split('\n').at(-1)).toMatch(
      /compose .* --progress quiet run --rm --no-deps -T --quiet-pull enrol-code$/,
    );
    await machine.run('countersign', ['enrol-code', '--again']);
    expect((await asked()).trimEnd()).toMatch(/ enrol-code --again$/);
  });

  test('explains itself, and refuses what it does not know before anything is asked for', async () => {
    expect((await machine.run('countersign', ['enrol-code', '--help'])).stdout).toMatch(
      /^Usage: countersign enrol-code/,
    );
    for (const word of ['--seed=x', 'prod', '-x']) {
      const { exitCode, stderr } = await machine.run('countersign', ['enrol-code', word]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--help');
    }
    expect(await asked()).toBe('');
  });
});
