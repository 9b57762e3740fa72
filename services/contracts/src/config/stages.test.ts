import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseYaml } from '../yaml-text.ts';
import { Stages } from './stages.ts';

/** A stage of each name, with these lines under `decide`. */
function file(...stages: [name: string, ...deciders: string[]][]): string {
  return [
    'version: 1',
    'stages:',
    ...stages.flatMap(([name, ...deciders]) => [
      `  ${name}:`,
      '    gate: approval',
      '    sandbox_profile: default',
      '    approval_hours: 72',
      '    decide:',
      ...deciders.map((line) => `      ${line}`),
    ]),
    '',
  ].join('\n');
}

function problems(text: string): string[] {
  const parsed = parseYaml(text, Stages);
  return parsed.ok ? [] : parsed.problems.map(({ line, message }) => `${line}: ${message}`);
}

test('a room decides by full Matrix ids, beside the shell', () => {
  expect(
    problems(file(['staging', '- channel: shell', '- channel: matrix', '  persons: ["@op:example.org"]'])),
  ).toEqual([]);
});

test('A01 a room without persons is refused: it has strangers', () => {
  expect(problems(file(['staging', '- channel: shell', '- channel: matrix']))).toEqual([
    '9: stages.staging.decide.1: channel matrix needs persons, as @name:server',
  ]);
  expect(problems(file(['staging', '- channel: matrix', '  persons: []'])).join()).toMatch(/^9: .*persons/);
});

test.each([
  'op',
  '@op',
  'op:example.org',
  '*',
  '@*',
  '#room:example.org',
  '@op:example.org ',
  '@op:example.org\\n',
  '@оp:example.org',
  '@op:example.org\\u200b',
])('A02 %j is no person of a room, and its line is told', (person) => {
  const text = file([
    'dev',
    '- channel: matrix',
    '  persons:',
    '    - "@op:example.org"',
    `    - "${person}"`,
    '- channel: shell',
  ]);
  expect(problems(text)).toEqual(['11: stages.dev.decide.0.persons.1: not a Matrix user, which is @name:server']);
});

test('A31 prod may be decided by a room that lists who, where all of it waits for a code; the line is told', () => {
  const room = ['- channel: matrix', '  persons: ["@op:example.org"]'];
  const gateless = (text: string) => text.replace('gate: approval', 'gate: none');
  expect(problems(file(['prod', '- channel: shell', ...room]))).toEqual([]);
  expect(problems(file(['prod', '- channel: shell', '- channel: matrix']))).toHaveLength(1);
  expect(problems(gateless(file(['prod', '- channel: shell', ...room])))).toEqual([
    '4: stages.prod.gate: where a room decides on prod, its gate is approval',
  ]);
  expect(problems(gateless(file(['prod', '- channel: shell'])))).toEqual([]);
  expect(problems(gateless(file(['staging', '- channel: shell', ...room])))).toEqual([]);
});

test.each(['prod', 'staging'])('%s may be decided on the dashboard', (stage) => {
  expect(problems(file([stage, '- channel: shell', '- channel: dashboard']))).toEqual([]);
});

test('as shipped, shell and dashboard decide every stage, and the room all but prod', async () => {
  const shipped = parseYaml(
    await readFile(new URL('../../../../configs/stages.yaml', import.meta.url), 'utf8'),
    Stages,
  );
  const deciders = shipped.ok
    ? Object.entries(shipped.value.stages).map(([name, { decide }]) => [name, decide.map(({ channel }) => channel)])
    : [];
  expect(Object.fromEntries(deciders)).toEqual({
    dev: ['shell', 'dashboard', 'matrix'],
    staging: ['shell', 'dashboard', 'matrix'],
    prod: ['shell', 'dashboard'],
  });
});

test.each(['Prod', 'PROD', '"prod "', 'рrod', '"prod\\u200b"'])('A05 %s is no second spelling of prod', (name) => {
  expect(problems(file([name, '- channel: matrix', '  persons: ["@op:example.org"]']))).not.toEqual([]);
});

test('the shell may be left to some persons, by the names that the shell has for them', () => {
  expect(problems(file(['prod', '- channel: shell', '  persons: [ada]']))).toEqual([]);
});

test.each(['approvals: 2', 'quorum: 2', 'requester_may_approve: false', 'second_person: true'])(
  'A25 a stage that would have two persons decide is refused, for nobody here counts persons: %s',
  (line) => {
    const [first = '', ...rest] = file(['prod', '- channel: shell']).split('    gate: approval');
    expect(problems([first, `    gate: approval\n    ${line}${rest.join('')}`].join(''))).toEqual([
      expect.stringContaining(`unknown key "${line.split(':')[0]}"`),
    ]);
  },
);
