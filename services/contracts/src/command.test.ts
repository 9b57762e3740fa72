import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import {
  Command,
  isSignatureGood,
  readSigningKey,
  readVerifyingKey,
  signCommand,
  type UnsignedCommand,
} from './command.ts';
import { keyIdOf } from './key-id.ts';
import { commandLimits, taskFileLimits } from './limits.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const digest = 'a'.repeat(64);
const unsigned: UnsignedCommand = {
  version: 1,
  id: 'abcdefghijklmnop',
  kind: 'approve',
  subject: { task: 'abcde', digest },
  actor: { channel: 'shell', user: 'operator' },
  evidence: 'approve x.md',
  issued_at: '2026-11-20T10:00:00.000Z',
  expires_at: '2026-11-21T10:00:00.000Z',
  key_id: keyIdOf('shell', publicKey),
};
const signed = signCommand(unsigned, privateKey);

describe('a signature', () => {
  test('is good for what was signed, whatever the order of its members', () => {
    const { signature, ...rest } = signed;
    const reordered = Command.parse({ signature, ...Object.fromEntries(Object.entries(rest).reverse()) });
    expect(isSignatureGood(reordered, publicKey)).toBe(true);
  });

  test('is bad for another key', () => {
    expect(isSignatureGood(signed, generateKeyPairSync('ed25519').publicKey)).toBe(false);
  });

  test('does not survive any change of any byte', () => {
    const bytes = Buffer.from(canonicalJson(signed));
    const survivors: string[] = [];
    for (let position = 0; position < bytes.length; position += 1)
      for (const mask of [0x01, 0x02, 0x04, 0x20, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[position] = (changed[position] ?? 0) ^ mask;
        if (passes(changed.toString('utf8'))) survivors.push(changed.toString('utf8'));
      }
    expect(survivors).toEqual([]);
    expect(passes(bytes.toString('utf8'))).toBe(true);
  });

  test('has one spelling: the same bytes in another base64 are refused', () => {
    const last = signed.signature.charAt(85);
    const others = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].filter(
      (character) => character !== last,
    );
    for (const other of others)
      expect(passes(JSON.stringify({ ...signed, signature: `${signed.signature.slice(0, 85)}${other}==` }))).toBe(
        false,
      );
  });
});

function passes(text: string): boolean {
  try {
    const command = Command.safeParse(JSON.parse(text));
    return command.success && isSignatureGood(command.data, publicKey);
  } catch {
    return false;
  }
}

describe('a command is refused', () => {
  const changes: [string, object][] = [
    ['with a member that does not exist', { extra: 1 }],
    ['of another version', { version: 2 }],
    ['of an unknown kind', { kind: 'burn' }],
    ['with an id that is a path', { id: '../../../../etc/passwd' }],
    ['with a short id', { id: 'abc' }],
    ['from an unknown channel', { actor: { channel: 'fax', user: 'x' } }],
    ['from nobody', { actor: { channel: 'shell', user: '' } }],
    ['with a time zone', { issued_at: '2026-11-20T10:00:00.000+01:00' }],
    ['without milliseconds', { issued_at: '2026-11-20T10:00:00Z' }],
    ['with half a digest', { subject: { task: 'abcde', digest: 'a'.repeat(8) } }],
    ['without a digest', { subject: { task: 'abcde' } }],
    ['with a task name that is too long', { subject: { task: 'x'.repeat(256), digest } }],
    ['without a signature', { signature: undefined }],
    ['with a signature that is none', { signature: 'x' }],
    ['with a code of five digits', { code: '12345' }],
    ['with a code that is a number', { code: 123_456 }],
    ['with a code and a blank', { code: '123456 ' }],
    ['with digits of another script', { code: '١٢٣٤٥٦' }],
    ['of another kind with a code', { kind: 'rebase', code: '123456' }],
  ];
  test.each(changes)('%s', (_name, change) => {
    expect(Command.safeParse({ ...signed, ...change }).success).toBe(false);
  });

  test('with a member called __proto__', () => {
    const text = JSON.stringify(signed).replace('{', '{"__proto__":{"x":1},');
    expect(Command.safeParse(JSON.parse(text)).success).toBe(false);
  });
});

test.each(['approve', 'merge'] as const)('W15 the code of %s is signed with it', (kind) => {
  const command = signCommand({ ...unsigned, kind, code: '123456' }, privateKey);
  expect(isSignatureGood(command, publicKey)).toBe(true);
  expect(isSignatureGood(Command.parse({ ...command, code: '123457' }), publicKey)).toBe(false);
  expect(isSignatureGood(Command.parse({ ...command, code: undefined }), publicKey)).toBe(false);
});

test('the largest file that may be submitted fits into a command, even when every byte needs an escape', () => {
  const submit = signCommand(
    { ...unsigned, kind: 'submit', subject: { file: 'x.md', content: '\u0001'.repeat(taskFileLimits.fileBytes) } },
    privateKey,
  );
  expect(Buffer.byteLength(JSON.stringify(submit))).toBeLessThan(commandLimits.fileBytes);
  expect(isSignatureGood(submit, publicKey)).toBe(true);
});

test('keys are read from PEM, and only Ed25519 ones', () => {
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  expect(isSignatureGood(signCommand(unsigned, readSigningKey(pem)), readVerifyingKey(publicPem))).toBe(true);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(() => readSigningKey(other.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())).toThrow('Ed25519');
  expect(() => readVerifyingKey(other.publicKey.export({ format: 'pem', type: 'spki' }).toString())).toThrow('Ed25519');
  expect(() => readSigningKey('hello')).toThrow();
});

test('a key id names the channel and the key', () => {
  expect(keyIdOf('shell', publicKey)).toMatch(/^shell-[0-9a-f]{16}$/);
  expect(keyIdOf('shell', publicKey)).not.toBe(keyIdOf('shell', generateKeyPairSync('ed25519').publicKey));
});
