import { expect, test } from 'vitest';
import { chooseRuntime } from './runtime.ts';

const runc = ['runc', []] as const;
const gvisor = ['runsc', ['--platform=systrap', '--host-uds=all']] as const;
const closedGvisor = ['runsc', ['--platform=systrap']] as const;

test.each([
  ['auto', [runc, gvisor], 'runsc', /has gVisor/],
  ['auto', [runc, closedGvisor], 'runc', /without --host-uds=all/],
  ['auto', [runc], 'runc', /no gVisor/],
  ['auto', [], null, /no gVisor.*no runc/],
  ['runc', [runc, gvisor], 'runc', /asks for runc/],
  ['runc', [gvisor], null, /no runc/],
  ['runsc', [runc, gvisor], 'runsc', /asks for gVisor/],
  ['runsc', [runc, closedGvisor], null, /without --host-uds=all/],
  ['runsc', [runc], null, /no gVisor/],
] as const)('%s of %j is %s', (wanted, registered, runtime, reason) => {
  const choice = chooseRuntime(wanted, new Map<string, readonly string[]>(registered));
  expect(choice.ok ? choice.runtime : null).toBe(runtime);
  expect(choice.reason).toMatch(reason);
});
