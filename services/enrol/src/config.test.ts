import { expect, test } from 'vitest';
import { readEnrolConfig } from './config.ts';
import { makePassword } from './password.ts';

test('the stack says only where the host finds Synapse', () => {
  expect(readEnrolConfig({ ENROL_CLIENT_URL: 'http://127.0.0.1:8008/', PATH: '/bin' })).toEqual({
    homeserver: 'http://synapse:8008',
    clientUrl: 'http://127.0.0.1:8008',
    secrets: '/secrets',
    listenerSecrets: '/listener-secrets',
  });
});

test.each([
  [{}, 'ENROL_CLIENT_URL'],
  [{ ENROL_CLIENT_URL: 'http://127.0.0.1:8008/path' }, 'scheme, host and port only'],
  [
    { ENROL_CLIENT_URL: 'http://127.0.0.1:8008', ENROL_HOMESERVR: 'http://synapse:8008' },
    'unknown setting ENROL_HOMESERVR',
  ],
])('%j is refused', (environment, words) => {
  expect(() => readEnrolConfig(environment)).toThrow(words);
});

test('a password is another one each time, and can be typed on a phone', () => {
  const made = new Set(Array.from({ length: 1_000 }, makePassword));
  expect(made.size).toBe(1_000);
  for (const password of made) expect(password).toMatch(/^([a-hj-km-np-z2-9]{4}-){5}[a-hj-km-np-z2-9]{4}$/);
});
