import { expect, test } from 'vitest';
import { type ExpectedMount, expectedServices } from '../support/expected-services.ts';

// The table is compared with the compose file and with the containers that the engine made of it.
const services = Object.entries(expectedServices);

/** The services that a mount is given to which a test is after. */
function whoHas(isMeant: (mount: ExpectedMount) => boolean): string[] {
  return services
    .filter(([, { mounts }]) => Object.values(mounts).some(isMeant))
    .map(([name]) => name)
    .sort();
}

function reaches(folder: string, mount: ExpectedMount): boolean {
  const { source } = mount;
  return source === folder || folder.startsWith(`${source}/`) || source.startsWith(`${folder}/`);
}

const whoWrites = (folder: string) => whoHas((mount) => !mount.readOnly && reaches(folder, mount));
const whoSees = (folder: string) => whoHas((mount) => reaches(folder, mount));
/** One-shots of the operator's own hand, which are root and write whatever the house holds. */
const byHand = ['house', 'init'];

test.each(['inbox', 'outbox', 'workspaces', 'memory'])('A06 only the runner writes %s', (folder) => {
  expect(whoWrites(`home/${folder}`)).toEqual([...byHand, 'runner'].sort());
});

test('A27 only the runner writes the journals, and each service its own log', () => {
  expect(whoWrites('home/runs')).toEqual([...byHand, 'runner'].sort());
  for (const name of ['launcher', 'gateway', 'matrix-listener', 'dashboard'])
    expect(whoWrites(`home/logs/${name}`)).toEqual([...byHand, 'runner', name].sort());
});

test.each([
  ['shell', 'cli'],
  ['matrix', 'matrix-listener'],
  ['dashboard', 'dashboard'],
])('A29 into the spool of %s only %s writes commands, and the runner takes them out', (channel, writer) => {
  expect(whoSees(`spool-${channel}`)).toEqual([...byHand, 'runner', writer].sort());
});

test.each([
  ['cli', ['cli']],
  ['dashboard', ['dashboard']],
  // The first and the last write the bot's access beside the key, for the minute that they run.
  ['matrix-listener', ['enrol', 'matrix-listener', 'rotate-bot-token']],
  ['runner', ['enrol-code', 'runner']],
])('A29 A30 the secrets of %s are mounted into %j', (folder, holders) => {
  expect(whoSees(`secrets/${folder}`)).toEqual([...byHand, ...holders].sort());
});

test('A06 A29 a sandbox has none of it, and nobody but the launcher has the engine', () => {
  expect(expectedServices['sandbox']).toMatchObject({ mounts: {}, networks: [], environment: [] });
  expect(whoSees('engine')).toEqual(['launcher']);
});

test('A30 the bot’s token is in no variable of any service, and who holds it has no network', () => {
  const names = services.flatMap(([, { environment }]) => environment);
  expect(names.filter((name) => /token|secret|password|key/i.test(name))).toEqual([]);
  expect(expectedServices['matrix-listener']?.networks).toEqual([]);
});
