import { expect, test } from 'vitest';
import { refuseAddress } from './address-policy.ts';

test.each([
  '100.64.0.7',
  '100.101.102.103',
  '192.168.1.20',
  '10.0.0.3',
  '172.18.0.2',
  '203.0.113.9',
  'fd7a:115c:a1e0::1',
  '2001:db8::1',
])('%s may be connected to', (address) => {
  expect(refuseAddress(address, false)).toBeNull();
});

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '100.100.100.100',
  '100.100.100.200',
  '224.0.0.251',
  '255.255.255.255',
  '::',
  'fe80::1',
  'febf::1',
  'ff02::1',
  'fd00:ec2::254',
  '::ffff:169.254.169.254',
  '::ffff:0.0.0.0',
  '::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '2002:a9fe:a9fe::1',
  'model',
  '',
])('%j is refused, also where loopback is allowed', (address) => {
  expect(refuseAddress(address, false)).not.toBeNull();
  expect(refuseAddress(address, true)).not.toBeNull();
});

test.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'])(
  '%s is refused unless loopback is allowed',
  (address) => {
    expect(refuseAddress(address, false)).toContain('gateway itself');
    expect(refuseAddress(address, true)).toBeNull();
  },
);
