import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../support/stack.ts';

const settings = parse(readFileSync(join(root, 'images/synapse/homeserver.yaml'), 'utf8')) as Record<string, unknown>;

test('A04 nobody makes himself a user of the stack’s own homeserver', () => {
  expect(settings).toMatchObject({ enable_registration: false, allow_guest_access: false });
  // Each of these would open a way in beside the secret that `enrol` has.
  const open = Object.keys(settings).filter((key) =>
    /^(?:enable_registration_|registrations_require|registration_(?!shared_secret_path)|oidc|saml2|cas|jwt|sso|password_providers|modules|app_service|account_threepid)/.test(
      key,
    ),
  );
  expect(open).toEqual([]);
});

test('A03 it speaks with no other server, and serves none', () => {
  expect(settings).toMatchObject({
    federation_domain_whitelist: [],
    trusted_key_servers: [],
    allow_public_rooms_over_federation: false,
    listeners: [{ resources: [{ names: ['client'] }] }],
  });
  expect((settings['listeners'] as unknown[]).length).toBe(1);
});

test('A18 A19 its rooms are of version 12, and an alias is the operator’s alone to give', () => {
  expect(settings).toMatchObject({
    default_room_version: '12',
    alias_creation_rules: [{ user_id: '@operator:countersign.local', action: 'allow' }],
  });
});

test('A20 A30 it encrypts no room by itself, and no line of its log names a token', () => {
  expect(settings).toMatchObject({ encryption_enabled_by_default_for_room_type: 'off' });
  const log = parse(readFileSync(join(root, 'images/synapse/log.yaml'), 'utf8')) as Record<string, unknown>;
  expect(log).toMatchObject({ root: { level: 'WARNING' } });
  expect(log).not.toHaveProperty('loggers');
});
