import { describe, expect, test } from 'vitest';
import { type AddressRule, describeUnresolved, judgeAddresses } from './address-policy.ts';

const everything = ['0.0.0.0/0', '::/0'];
const bridge = ['172.18.0.5/16', '172.19.0.3/24', 'fdaa:1::5/64'];

function own(...listed: string[]): AddressRule {
  return { kind: 'own', setting: 'MATRIX_HOMESERVER', listed };
}
const embedded: AddressRule = { kind: 'embedded', subnets: bridge };

function judge(addresses: string | string[], rule: AddressRule, allowLoopback = false): string | null {
  return judgeAddresses('mac-studio', [addresses].flat(), rule, allowLoopback);
}

describe("S023, S028: a server of the operator's own", () => {
  test.each([
    '100.64.0.0',
    '100.101.102.103',
    '100.127.255.255',
    'fd7a:115c:a1e0::1',
    'FD7A:115C:A1E0:AB12:4843:CD96:6258:B240',
    '::ffff:100.64.0.7',
  ])('%s is in the tailnet', (address) => {
    expect(judge(address, own())).toBeNull();
  });

  test.each([
    '100.63.255.255',
    '100.128.0.0',
    '192.168.1.20',
    '10.0.0.3',
    '172.17.0.1',
    '172.18.0.2',
    '203.0.113.9',
    '8.8.8.8',
    'fd7a:115c:a1e1::1',
    'fd00::1',
    '2001:db8::1',
  ])('%s is not, and is fit when it is listed', (address) => {
    expect(judge(address, own())).toBe(
      `mac-studio has the address ${address}, which is not in the tailnet; if that is meant, list it: ALLOWED_ADDRESSES=${address} in configs/hosts.env`,
    );
    expect(judge(address, own('198.51.100.1', address))).toBeNull();
    expect(judge(address, own(...everything))).toBeNull();
  });

  test.each([
    ['192.168.1.20', '192.168.1.0/24'],
    ['192.168.1.20', '192.168.1.99/24'],
    ['192.168.1.20', '192.168.1.20/32'],
    ['::ffff:192.168.1.20', '192.168.1.0/24'],
    ['192.168.1.20', '::ffff:192.168.1.20'],
    ['192.168.1.20', '::ffff:192.168.1.0/120'],
    ['2001:db8::7', '2001:db8::/64'],
  ])('%s is fit where %s is listed', (address, entry) => {
    expect(judge(address, own(entry))).toBeNull();
  });

  test.each([
    ['192.168.2.20', '192.168.1.0/24'],
    ['192.168.1.21', '192.168.1.20'],
    ['192.168.1.20', '::/0'],
    ['192.168.1.20', '::ffff:0:0/95'],
    ['2001:db8::7', '0.0.0.0/0'],
    ['2001:db8:0:1::7', '2001:db8::/64'],
  ])('%s is not fit where %s is listed', (address, entry) => {
    expect(judge(address, own(entry))).toContain('not in the tailnet');
  });

  test('every address has to be fit, and all that are not are named at once', () => {
    const listed = own('10.0.0.1');
    expect(judge(['100.64.0.7', '10.0.0.1'], listed)).toBeNull();
    expect(judge(['100.64.0.7', '::ffff:192.168.1.20', '10.0.0.1', '2001:db8::1'], listed)).toBe(
      'mac-studio has the addresses 192.168.1.20 and 2001:db8::1, which are not in the tailnet; if that is meant, list them: ALLOWED_ADDRESSES=10.0.0.1,192.168.1.20,2001:db8::1 in configs/hosts.env',
    );
    expect(judge(['100.64.0.7', '169.254.169.254'], listed)).toContain('metadata');
  });
});

describe("a server of the stack's own", () => {
  test.each(['172.18.0.2', '172.18.255.254', '172.19.0.200', '::ffff:172.18.0.2', 'fdaa:1::2'])(
    "%s is in one of the gateway's networks",
    (address) => {
      expect(judge(address, embedded)).toBeNull();
    },
  );

  test.each([
    '172.17.0.2',
    '172.19.1.2',
    '192.168.1.20',
    '100.64.0.7',
    '8.8.8.8',
    'fd7a:115c:a1e0::1',
    'fdaa:1:0:1::2',
  ])('%s is not', (address) => {
    expect(judge(address, embedded)).toBe(
      `mac-studio has the address ${address}, which is in none of the gateway's own networks; run scripts/up again`,
    );
  });

  test('without a network there is none', () => {
    expect(judge('172.18.0.2', { kind: 'embedded', subnets: [] })).toContain("none of the gateway's own networks");
  });
});

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '168.63.129.16',
  '192.0.0.192',
  '0.0.0.0',
  '0.1.2.3',
  '100.100.100.100',
  '100.100.100.200',
  '224.0.0.251',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'ff02::1',
  'fd00:ec2::254',
  'fd7a:115c:a1e0::53',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:FFFF:169.254.169.254',
  '::ffff:0.0.0.0',
  '::ffff:100.100.100.100',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '2002:a9fe:a9fe::1',
  '2001:0:a9fe:a9fe::1',
  'model',
  '',
])('S024, S025, S028: %j is refused, listed or on the own network or with loopback allowed', (address) => {
  const rules: AddressRule[] = [own(), own(...everything), { kind: 'embedded', subnets: everything }];
  for (const rule of rules) {
    for (const allowLoopback of [false, true]) {
      expect(judge(address, rule, allowLoopback)).toMatch(
        /^mac-studio has the address .*, which is a link-local, metadata or other special address and never connected to$/,
      );
    }
  }
});

test.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
  '%s is refused unless loopback is allowed, listed or not',
  (address) => {
    for (const rule of [own(), own(...everything, '127.0.0.1', '::1'), embedded]) {
      expect(judge(address, rule)).toMatch(
        /gateway itself; for a server on this very host use host\.docker\.internal$/,
      );
      expect(judge(address, rule, true)).toBeNull();
    }
  },
);

test('an address that was configured as such is not named twice', () => {
  expect(judgeAddresses('192.168.1.20', ['192.168.1.20'], own(), false)).toBe(
    '192.168.1.20 is not in the tailnet; if that is meant, list it: ALLOWED_ADDRESSES=192.168.1.20 in configs/hosts.env',
  );
  expect(judgeAddresses('::ffff:a9fe:a9fe', ['::ffff:a9fe:a9fe'], own(), false)).toMatch(
    /^169\.254\.169\.254 is a link/,
  );
});

test('a name without an address is told with what to look at', () => {
  expect(describeUnresolved('mac-studio', 'ENOTFOUND', own())).toBe(
    "mac-studio does not resolve (ENOTFOUND): check MATRIX_HOMESERVER in configs/hosts.env and this machine's DNS",
  );
  expect(describeUnresolved('synapse', 'ENOTFOUND', embedded)).toBe(
    "synapse does not resolve (ENOTFOUND): the stack's own server of that name does not run; start it with scripts/up",
  );
});
