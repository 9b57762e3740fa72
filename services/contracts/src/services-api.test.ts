import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { Command } from './command.ts';
import { isOrderSignedBy, ServiceOrder, signServiceOrder, type UnsignedServiceOrder } from './services-api.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const unsigned: UnsignedServiceOrder = {
  version: 1,
  id: 'abcdefghijklmnop',
  kind: 'service_stop',
  subject: { service: 'runner' },
  actor: { channel: 'dashboard', user: 'operator' },
  evidence: 'request 1',
  issued_at: '2026-11-20T10:00:00.000Z',
  expires_at: '2026-11-20T10:01:00.000Z',
  key_id: 'dashboard-0123456789abcdef',
};

test('W23 an order is for the launcher alone, and a command for the runner alone, whoever signed them', () => {
  const order = signServiceOrder(unsigned, privateKey);
  expect(isOrderSignedBy(order, publicKey)).toBe(true);
  expect(Command.safeParse(order).success).toBe(false);
  expect(ServiceOrder.safeParse({ ...order, kind: 'pause', subject: { reason: '' } }).success).toBe(false);
});

test('W23 an order is signed with all that it says', () => {
  const order = signServiceOrder(unsigned, privateKey);
  for (const change of [
    { kind: 'service_start' as const },
    { subject: { service: 'matrix-listener' as const } },
    { expires_at: '2026-11-20T10:01:00.001Z' },
    { evidence: '' },
  ])
    expect(isOrderSignedBy({ ...order, ...change }, publicKey)).toBe(false);
  expect(isOrderSignedBy(order, generateKeyPairSync('ed25519').publicKey)).toBe(false);
});
