import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AddressRule } from './address-policy.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { PinnedHost, sameAddresses } from './pinned-host.ts';

const rule: AddressRule = { kind: 'own', setting: 'MATRIX_HOMESERVER', listed: [] };
const first = '100.64.0.1';
const second = '100.64.0.2';

type Answer = string[] | NodeJS.ErrnoException;

/** A host whose name is answered as the test says; without an answer a look-up waits. */
function start(given: { origin?: string; limits?: Partial<Limits>; rule?: () => AddressRule } = {}) {
  const names = { calls: 0, answer: [first] as Answer | null, waiting: [] as (() => void)[] };
  const lookup: LookupFunction = (_name, _options, callback) => {
    names.calls += 1;
    const give = () => {
      if (names.answer instanceof Error) callback(names.answer, '');
      else callback(null, (names.answer ?? []).map(asFound));
    };
    if (names.answer === null) names.waiting.push(give);
    else setImmediate(give);
  };
  const host = new PinnedHost({
    origin: given.origin ?? 'http://mac-studio:8008',
    rule: given.rule ?? (() => rule),
    allowLoopback: false,
    limits: { ...defaultLimits, resolveAgainMs: 0, ...given.limits },
    lookup,
  });
  return { host, names };
}

function asFound(address: string): LookupAddress {
  return { address, family: address.includes(':') ? 6 : 4 };
}

const pinned = (...addresses: string[]) => ({ status: 'pinned', addresses: addresses.map(asFound) });
const notFound = () => Object.assign(new Error('no'), { code: 'ENOTFOUND' });

describe('S023: a name is resolved once', () => {
  test('and what it answers later changes nothing', async () => {
    const { host, names } = start();
    expect(host.problem).toBeNull();
    expect(await host.current()).toEqual(pinned(first));
    names.answer = ['169.254.169.254'];
    expect([await host.current(), await host.current()]).toEqual([pinned(first), pinned(first)]);
    expect(names.calls).toBe(1);
  });

  test('however many ask for it at once', async () => {
    const { host, names } = start();
    const found = await Promise.all(Array.from({ length: 50 }, () => host.current()));
    expect(new Set(found).size).toBe(1);
    expect(names.calls).toBe(1);
  });

  test.each([
    ['http://100.64.0.1:8008', pinned(first)],
    ['http://[fd7a:115c:a1e0::1]:8008', pinned('fd7a:115c:a1e0::1')],
    ['http://192.168.1.20', { status: 'refused', reason: expect.stringContaining('192.168.1.20') }],
    ['http://[::ffff:169.254.169.254]', { status: 'refused', reason: expect.stringContaining('169.254.169.254') }],
  ])('a literal address is judged and never looked up: %s', async (origin, expected) => {
    const { host, names } = start({ origin });
    expect(await host.current()).toEqual(expected);
    expect(names.calls).toBe(0);
  });
});

describe('after a failed connection', () => {
  test('it is resolved again', async () => {
    const { host, names } = start();
    const before = await host.current();
    names.answer = [second];
    expect(await host.renew(before)).toEqual(pinned(second));
    expect(await host.current()).toEqual(pinned(second));
    expect(names.calls).toBe(2);
  });

  test('many that fail together have it resolved once', async () => {
    const { host, names } = start();
    const before = await host.current();
    const renewed = await Promise.all(Array.from({ length: 50 }, () => host.renew(before)));
    expect(new Set(renewed).size).toBe(1);
    expect(names.calls).toBe(2);
    await host.renew(before);
    expect(names.calls).toBe(2);
  });

  test('a moment after the last time it is not', async () => {
    const { host, names } = start({ limits: { resolveAgainMs: 60_000 } });
    const before = await host.current();
    names.answer = [second];
    expect(await host.renew(before)).toBe(before);
    expect(names.calls).toBe(1);
  });

  test.each<[string, Answer, string]>([
    ['an address that is not fit', [second, '169.254.169.254'], 'mac-studio has the address 169.254.169.254'],
    ['no address', notFound(), 'mac-studio does not resolve (ENOTFOUND): check MATRIX_HOMESERVER'],
    ['an empty answer', [], 'mac-studio does not resolve (ENODATA)'],
  ])('%s leaves nothing to connect to, until the name is mended', async (_what, answer, said) => {
    const { host, names } = start();
    const before = await host.current();
    names.answer = answer;
    expect(await host.renew(before)).not.toMatchObject({ status: 'pinned' });
    expect(host.problem).toContain(said);
    expect(await host.renew(before)).not.toMatchObject({ status: 'pinned' });
    names.answer = [first];
    expect(await host.current()).toEqual(pinned(first));
    expect(host.problem).toBeNull();
  });
});

describe('a look-up that takes too long', () => {
  test('is not waited for, and is the only one under way', async () => {
    const { host, names } = start({ limits: { resolveMs: 20 } });
    names.answer = null;
    const early = await Promise.all([host.current(), host.current()]);
    expect(early.map(({ status }) => status)).toEqual(['unresolved', 'unresolved']);
    expect(host.problem).toMatch(/^mac-studio does not resolve \(no answer within 0.02 s\): check MATRIX_HOMESERVER/);
    expect(await host.current()).toMatchObject({ status: 'unresolved' });
    expect(names.calls).toBe(1);
    names.answer = [first];
    const late = host.current();
    for (const give of names.waiting) give();
    expect(await late).toEqual(pinned(first));
    expect(names.calls).toBe(1);
  });
});

test('the rule is asked for at each resolution', async () => {
  let subnets: string[] = [];
  const { host } = start({ rule: () => ({ kind: 'embedded', subnets }) });
  expect(await host.current()).toMatchObject({ status: 'refused' });
  subnets = ['100.64.0.9/24'];
  expect(await host.current()).toEqual(pinned(first));
});

test('the same addresses, in whatever order', () => {
  expect(sameAddresses([asFound(first), asFound(second)], [asFound(second), asFound(first)])).toBe(true);
  expect(sameAddresses([asFound(first)], [asFound(first), asFound(second)])).toBe(false);
});
