import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { StubMachine } from '../support/stub-machine.ts';

// An engine that does whatever it is asked, so that what scripts/up itself finds out and says is all there is to see.
const obligingEngine = `case "$*" in
  *Server.APIVersion*) echo 1.45 ;;
  *Server.Version*) echo 26.1.5 ;;
  "compose version"*) echo 2.26.1 ;;
esac`;
const token = 'syt_YWdlbnRib3Q_never_shown';
const botLines = {
  user: 'MATRIX_BOT_USER=@agentbot:mac-studio',
  token: `MATRIX_BOT_TOKEN=${token}`,
  room: 'MATRIX_ROOM_ID=!room:mac-studio',
};
const whole = Object.values(botLines).join('\n');

let machine: StubMachine;
let configs: string;
let listenerSecrets: string;

beforeEach(async () => {
  machine = await StubMachine.make();
  await machine.stub('docker', obligingEngine);
  configs = join(machine.folder, 'configs');
  listenerSecrets = join(machine.folder, 'secrets/matrix-listener');
  await cp(join(root, 'configs'), configs, { recursive: true });
  await mkdir(listenerSecrets, { recursive: true });
  for (const service of ['gateway', 'matrix-listener']) await say(service, { status: 'ok', reason: '' });
});
afterEach(() => machine[Symbol.asyncDispose]());

const hosts = (...lines: string[]) => writeFile(join(configs, 'hosts.env'), lines.join('\n'));
const botFile = (text: string) => writeFile(join(listenerSecrets, 'matrix-bot.env'), text);

/** What a service wrote of itself. */
async function say(service: string, report: object | string): Promise<void> {
  const folder = join(machine.folder, 'home/logs', service);
  await mkdir(folder, { recursive: true });
  const text =
    typeof report === 'string' ? report : `${JSON.stringify({ service, ...report, ts: 'x', started_at: 'x' })}\n`;
  await writeFile(join(folder, 'health.json'), text);
}

const places = () => ({ COUNTERSIGN_CONFIGS: configs, COUNTERSIGN_SECRETS: join(machine.folder, 'secrets') });

function up(more: Readonly<Record<string, string>> = {}) {
  return machine.run('up', ['--rehearsal', '--json'], {
    ...places(),
    COUNTERSIGN_REGISTRY: 'yes',
    DOCKER_SOCKET: '/var/run/docker.sock',
    ...more,
  });
}

const saved = () => readFile(join(machine.folder, 'settings.env'), 'utf8');

async function reported(more: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = await up(more);
  if (exitCode !== 0) throw new Error(stderr);
  return { json: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''), stderr };
}

describe('which homeserver', () => {
  test("the stack's own, where hosts.env names none", async () => {
    await mkdir(join(machine.folder, 'secrets/enrol'));
    const operator = ['MATRIX_USER=@operator:countersign.local', 'MATRIX_PASSWORD=pass-word', 'MATRIX_ROOM_ID=!abc'];
    await writeFile(join(machine.folder, 'secrets/enrol/operator.env'), operator.join('\n'));
    const { json, stderr } = await reported({ COUNTERSIGN_MATRIX_PORT: '8018' });
    expect(json).toMatchObject({
      homeserver: 'http://127.0.0.1:8018',
      operator: '@operator:countersign.local',
      room: '!abc',
    });
    expect(stderr).toContain(`password in ${join(machine.folder, 'secrets/enrol/operator.env')}`);
    expect(stderr).not.toContain('pass-word');
    expect(await saved()).toMatch(/^COMPOSE_PROFILES='rehearsal,synapse'$/m);
    expect(await saved()).toMatch(/^COUNTERSIGN_MATRIX_PORT='8018'$/m);
  });

  test("the operator's, where hosts.env names one", async () => {
    await hosts('MATRIX_HOMESERVER=http://mac-studio:8008');
    await botFile(whole);
    const { json, stderr } = await reported();
    expect(json).toMatchObject({ homeserver: 'http://mac-studio:8008', operator: null, room: '!room:mac-studio' });
    expect(stderr).toContain('http://mac-studio:8008, your homeserver');
    expect(await saved()).toMatch(/^COMPOSE_PROFILES='rehearsal'$/m);
  });

  test('shown by the name that clients know it by', async () => {
    await hosts('MATRIX_HOMESERVER=http://mac-studio:8008', 'MATRIX_CLIENT_URL=https://matrix.example.org');
    await botFile(whole);
    expect((await reported()).json).toMatchObject({ homeserver: 'https://matrix.example.org' });
  });

  test('none, where the profiles say so', async () => {
    const { json, stderr } = await reported({ COMPOSE_PROFILES: 'rehearsal' });
    expect(json).toMatchObject({ homeserver: null, operator: null, room: null });
    expect(stderr).toMatch(/Matrix +off/);
    expect(await saved()).toMatch(/^COMPOSE_PROFILES='rehearsal'$/m);
  });

  test('not two at once', async () => {
    await hosts('MATRIX_HOMESERVER=http://mac-studio:8008');
    await botFile(whole);
    const { exitCode, stderr } = await up({ COMPOSE_PROFILES: 'rehearsal,synapse' });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/COMPOSE_PROFILES turns on the stack's own Synapse, and configs\/hosts\.env names another/);
  });

  test("with the operator's, the containers of the stack's own are removed, and nothing that it kept", async () => {
    await hosts('MATRIX_HOMESERVER=http://mac-studio:8008');
    await botFile(whole);
    await machine.stub(
      'docker',
      `echo "$*" >>"$HOME/asked"\n${obligingEngine.replace('esac', '  ps*service=synapse*) echo 5a5a ;;\n  ps*service=enrol*) echo e4e4 ;;\nesac')}`,
    );
    await reported();
    const asked = await readFile(join(machine.folder, 'asked'), 'utf8');
    expect(asked).toMatch(/^rm --force 5a5a$/m);
    expect(asked).toMatch(/^rm --force e4e4$/m);
    expect(asked).not.toMatch(/volume/);
  });
});

describe('access to a homeserver of the operator’s', () => {
  beforeEach(() => hosts('MATRIX_HOMESERVER=http://mac-studio:8008'));

  test('that is missing: the three lines, and where', async () => {
    const { exitCode, stderr } = await up();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('✗ Settings');
    expect(stderr).toContain(join(listenerSecrets, 'matrix-bot.env'));
    expect(stderr).toMatch(
      /\n {2}MATRIX_BOT_USER=@agentbot:your-server\n {2}MATRIX_BOT_TOKEN=.*\n {2}MATRIX_ROOM_ID=!/,
    );
  });

  test.each([
    ['a missing line', [botLines.user, botLines.token], 'MATRIX_ROOM_ID is missing'],
    ['an empty value', ['MATRIX_BOT_USER=', botLines.token, botLines.room], 'MATRIX_BOT_USER is missing'],
    ['a misspelt key', [botLines.user, botLines.token, 'MATRIX_ROOM=!x'], ':3: unknown setting MATRIX_ROOM.'],
    ['a key twice', [whole, botLines.token], ':4: MATRIX_BOT_TOKEN stands here a second time'],
    ['no setting', [botLines.user, token, botLines.room], ':2: not a setting'],
    ['a token where its key should be', [botLines.user, `${token}=`, botLines.room], ':2: unknown setting. Allowed'],
    ['spaces around =', [botLines.user, `MATRIX_BOT_TOKEN = ${token}`, botLines.room], ':2: not a setting'],
    [
      'a token with a space',
      [botLines.user, `${botLines.token} x`, botLines.room],
      'MATRIX_BOT_TOKEN is no access token',
    ],
    ['a user without a server', ['MATRIX_BOT_USER=agentbot', botLines.token, botLines.room], 'is not @name:server'],
    ['an alias', [botLines.user, botLines.token, 'MATRIX_ROOM_ID="#room:mac-studio"'], 'MATRIX_ROOM_ID is an alias'],
    ['no room', [botLines.user, botLines.token, 'MATRIX_ROOM_ID=room'], 'MATRIX_ROOM_ID is no room id'],
    [
      "the stack's own bot",
      ['MATRIX_BOT_USER=@agentbot:countersign.local', botLines.token, botLines.room],
      "is for the stack's own Synapse",
    ],
  ])('with %s: where and what, and never the token', async (_what, lines, words) => {
    await botFile(lines.join('\n'));
    const { exitCode, stdout, stderr } = await machine.call('check_homeserver own', places());
    expect(exitCode).toBe(1);
    expect(stdout).toContain(words);
    expect(stdout + stderr).not.toContain(token);
  });

  test('with a fault stops scripts/up before anything is started', async () => {
    await botFile(`${whole}\nMATRIX_SERVER=x`);
    const { exitCode, stdout, stderr } = await up();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('✗ Settings');
    expect(stderr).toContain(':4: unknown setting MATRIX_SERVER.');
    expect(stdout + stderr).not.toContain(token);
  });

  test('that is a link', async () => {
    await symlink('/etc/hostname', join(listenerSecrets, 'matrix-bot.env'));
    expect((await machine.call('check_homeserver own', places())).stdout).toContain('has to be a file');
  });

  test.each([
    [
      'quotes, comments and blank lines',
      `# mine\n\n${botLines.user}\nMATRIX_BOT_TOKEN='${token}'\nMATRIX_ROOM_ID="!r:x"\n`,
    ],
    ['the line ends of another system', whole.replaceAll('\n', '\r\n')],
    ['no last line end', whole],
  ])('with %s is fine', async (_what, text) => {
    await botFile(text);
    expect(await machine.call('check_homeserver own', places())).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

describe('countersign rotate-bot-token', () => {
  const asked = () => readFile(join(machine.folder, 'asked'), 'utf8').catch(() => '');
  const rotate = (args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) =>
    machine.run('countersign', ['rotate-bot-token', ...args], { ...places(), ...more });
  const own = { COMPOSE_PROFILES: 'rehearsal' };
  beforeEach(() =>
    machine.stub(
      'docker',
      `printf '%s\\n' "$*" >>"$HOME/asked"
case "$*" in
  *Server.Version*) echo 26.1.5 ;;
  *"run --rm"*) cat >"$HOME/read"; exit "\${ENDS:-0}" ;;
esac`,
    ),
  );

  test("with the stack's own Synapse runs its one-shot, which reads nothing; its end is the command's", async () => {
    expect((await rotate(['--json', '--now'])).exitCode).toBe(0);
    expect((await asked()).trimEnd().split('\n').at(-1)).toMatch(
      /compose .* --progress quiet run --rm --no-deps -T --quiet-pull rotate-bot-token --now --json$/,
    );
    expect(await readFile(join(machine.folder, 'read'), 'utf8')).toBe('');
    expect((await rotate([], { ENDS: '1' })).exitCode).toBe(1);
  });

  test("A30 with a homeserver of the operator's the given token is read, and stands in no argument", async () => {
    await hosts('MATRIX_HOMESERVER=http://mac-studio:8008');
    const file = join(machine.folder, 'new-token');
    await writeFile(file, `${token}\r\nmore\n`);
    expect((await rotate(['--token-file', file], own)).exitCode).toBe(0);
    expect((await asked()).trimEnd()).toMatch(/ rotate-bot-token --given$/);
    expect(await asked()).not.toContain(token);
    expect(await readFile(join(machine.folder, 'read'), 'utf8')).toBe(token);
  });

  test.each<[string, readonly string[], Readonly<Record<string, string>>, string | null, number, RegExp]>([
    ['an option that there is not', ['--token=x'], {}, null, 2, /--help/],
    ["a token for the stack's own Synapse", ['--token-file', '/x'], {}, null, 2, /without a token of yours/],
    ['nobody to ask for the token', [], own, 'http://mac-studio:8008', 2, /give --token-file/],
    ['a file that is not there', ['--token-file', '/none'], own, 'http://mac-studio:8008', 1, /no file \/none/],
    ['no homeserver', [], own, null, 1, /there is no homeserver/],
  ])('with %s says so before anything is asked for', async (_what, args, more, homeserver, code, words) => {
    await hosts(homeserver === null ? '' : `MATRIX_HOMESERVER=${homeserver}`);
    const { exitCode, stderr } = await rotate(args, more);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(words);
    expect(await asked()).toBe('');
  });

  test('explains itself', async () => {
    expect((await rotate(['--help'])).stdout).toMatch(/^Usage: countersign rotate-bot-token/);
  });
});

test.each(['0', '65536', '8008x', '-1', '08008', '123456'])('port %s is refused', async (port) => {
  for (const [check, setting] of [
    ['check_matrix_port', 'COUNTERSIGN_MATRIX_PORT'],
    ['check_page_port', 'COUNTERSIGN_PAGE_PORT'],
  ] as const) {
    const { exitCode, stdout } = await machine.call(check, { [setting]: port });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`${setting} is '${port}'`);
  }
});

test('a port that is taken is named, with what to do', async () => {
  const words = 'Bind for 127.0.0.1:8018 failed: port is already allocated';
  await machine.stub('docker', `case "$*" in *" up "*) echo '${words}' >&2; exit 1 ;; esac\n${obligingEngine}`);
  const { exitCode, stderr } = await up({ COUNTERSIGN_MATRIX_PORT: '8018' });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/Port 8018 of 127\.0\.0\.1 is taken.*COUNTERSIGN_MATRIX_PORT/);
});

describe('what needs attention', () => {
  const attention = async () => (await machine.call('services_not_well')).stdout;

  test('is said at the end of scripts/up', async () => {
    await say('matrix-listener', { status: 'failing', reason: 'the homeserver does not know "the token"' });
    await say('runner', { status: 'waiting', reason: 'the model is loading' });
    const { stderr } = await reported();
    expect(stderr.split('Needs attention:\n\n')[1]?.trimEnd()).toBe(
      '  matrix-listener: the homeserver does not know "the token"\n  runner: the model is loading',
    );
  });

  test('is not said when all are well', async () => {
    expect(await attention()).toBe('');
    expect((await reported()).stderr).not.toContain('attention');
  });

  test('is a listener that has not said anything', async () => {
    await say('matrix-listener', '');
    expect(await attention()).toBe('matrix-listener: has not said yet that it is well');
  });

  test.each([
    ['colours, line breaks and what clears a screen', 'a\u001b[2J\u001b[31mb\r\nc\u0007', 'a?[2J?[31mb  c?'],
    ['words that look like a report', 'x","status":"ok","reason":"fine', 'x","status":"ok","reason":"fine'],
    ['backslashes and quotes', 'C:\\temp \\u001b "x" \\', 'C:\\temp \\u001b "x" \\'],
    ['what a shell would run', '$(touch was-here) `id` %s %n \\n', '$(touch was-here) `id` %s %n \\n'],
    ['bytes that a terminal might take for a command', 'a\u009b2Jb', 'a2Jb'],
  ])('A28 shows %s as they are, harmless', async (_what, reason, shown) => {
    await say('gateway', { status: 'failing', reason });
    expect(await attention()).toBe(`gateway: ${shown}`);
  });

  test('does not read what a service put a link to, nor more than a report', async () => {
    const elsewhere = join(machine.folder, 'elsewhere.json');
    await writeFile(elsewhere, '{"service":"x","status":"failing","reason":"of another"}');
    const folder = join(machine.folder, 'home/logs/launcher');
    await mkdir(folder);
    await symlink(elsewhere, join(folder, 'health.json'));
    await say('gateway', { status: 'failing', reason: 'x'.repeat(60_000) });
    const lines = (await attention()).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('of another');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(520);
  });
});
