import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCliConfig } from './config.ts';
import { OperatorHome } from './testing/operator-home.ts';

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const names = [
  'submit',
  'approve',
  'reject',
  'merge',
  'rebase',
  'cancel',
  'retry',
  'questions',
  'answer',
  'pause',
  'resume',
  'queue',
  'pending',
  'status',
  'show',
  'diff',
  'handoff',
  'send',
];

test('the help names every command, and every command has its own', async () => {
  const { code, stdout } = await home.type(['--help']);
  expect(code).toBe(0);
  for (const name of names) {
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const words of [
      [name, '--help'],
      [name, 'x', '-h'],
    ]) {
      const own = await home.type(words);
      expect(own.code).toBe(0);
      expect(own.stdout).toMatch(new RegExp(`^Usage: countersign ${name}`));
    }
  }
});

test.each([
  [[]],
  [['aprove', 'x']],
  [['constructor']],
  [['approve']],
  [['approve', 'a', 'b']],
  [['approve', 'a', '--force']],
  [['approve', '-rf']],
  [['status', 'x']],
  [['status', '--no-wait']],
  [['show']],
  [['submit', 'a', 'b']],
  [['merge']],
  [['merge', 'a', 'unverified']],
  [['rebase', 'a', '--unverified']],
  [['diff', 'a', '--bytes', '0']],
  [['diff', 'a', '--bytes', '-1']],
  [['diff', 'a', '--bytes', '99999999999']],
  [['handoff']],
  [['cancel']],
  [['cancel', 'a', '--force']],
  [['retry']],
  [['retry', 'a', 'b']],
  [['resume', 'a']],
  [['queue', 'a']],
  [['--version']],
])('%j is not understood', async (words) => {
  const { code, stdout, stderr } = await home.type(words);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^countersign: ./);
});

test('a user’s name with anything unusual in it is refused, and so is a misspelt setting', () => {
  expect(readCliConfig({ CLI_USER: 'ada' })).toEqual({
    volumes: '/volumes',
    spool: '/spool',
    secrets: '/secrets',
    user: 'ada',
    terminal: true,
  });
  expect(readCliConfig({ CLI_TERMINAL: 'no' }).terminal).toBe(false);
  expect(readCliConfig({}).user).toBe('operator');
  for (const environment of [{ CLI_USER: 'a b' }, { CLI_USER: 'a\n' }, { CLI_USR: 'ada' }])
    expect(() => readCliConfig(environment)).toThrow('environment:0:');
});

test.each([
  ['cancle', 'cancel'],
  ['aprove', 'approve'],
  ['Status', 'status'],
  ['opne', 'open'],
])('%j is answered with %j', async (typed, meant) => {
  expect((await home.type([typed, 'x'])).stderr).toBe(
    `countersign: there is no command "${typed}"; did you mean ${meant}? See --help\n`,
  );
});

test('what the host does is not done in here, and is told so', async () => {
  expect((await home.type(['open', 'x'])).stderr).toContain('scripts/countersign open');
});

test('what resembles no command is not guessed at, and is shown inert', async () => {
  const { stderr } = await home.type(['\u001b[2J', 'x']);
  expect(stderr).toBe('countersign: there is no command "\\u001b[2J": see --help\n');
});
