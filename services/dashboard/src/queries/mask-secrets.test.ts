import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leftOut, maskSecrets } from './mask-secrets.ts';

const c = 'CANARY';
const random = 'q7Rt0Zx9Lm2Kp4Vb8Nc6Ws1Ye3Ud5Ia7CANARY';
/** Each holds a secret that must not come out; what stands around it may. */
const canaries: readonly string[] = [
  `PASSWORD=${c}`,
  `export DB_PASSWD="${c}"`,
  `MATRIX_ACCESS_TOKEN='${c} with spaces'`,
  `#OLD_PASSWORD=${c}`,
  `# api_key: ${c}`,
  `api-key: ${c}`,
  `apiKey: ${c} # a comment`,
  `secret: |\n  line one ${c}\n  line two ${c}\nnext: shown`,
  `client_secret: >-\n    folded ${c}\n\n    and ${c}`,
  `passphrase: "first\n  second ${c}\n  third ${c}"`,
  `PRIVATE="begin\n${c}\nend"\nNEXT=1`,
  `tokens_of_bot:\n  - ${c}\n  - other ${c}`,
  `secrets:\n- ${c}\n- ${c}2\nnext: 1`,
  `credentials:\n  user: ${c}\n  name: ${c}`,
  `signing_key: ${c}`,
  `key: ${c}`,
  `"password": "${c}",`,
  `{ user: ada, password: ${c}, host: x }`,
  `{"a": {"token":"${c}"}}`,
  `'pin': ${c}`,
  `? password\n: ${c}`,
  `- auth: ${c}`,
  `authorization: Bearer ${c}`,
  `header = Basic YWRhOkNBTkFSWTEyMzQ1${c}`,
  `X: "Authorization: Bearer ${c}abcdef"`,
  `URL=https://ada:${c}@example.org/x`,
  `OLLAMA=http://${c}@host:11434`,
  `dsn: postgres://u:${c}@db/x?sslmode=off`,
  `hook: https://example.org/in?token=${c}&x=1`,
  `hook: https://example.org/in?sig=${c}`,
  `-----BEGIN PRIVATE KEY-----\n${c}\n-----END PRIVATE KEY-----\nnext: 1`,
  `pem: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  ${c}\n  -----END OPENSSH PRIVATE KEY-----`,
  `-----BEGIN RSA PRIVATE KEY-----\n${c}\nwithout an end ${c}`,
  `note: ghp_${c}abcdefghijklmnop`,
  `note: github_pat_11AAAA_${c}abcdefghijkl`,
  `note: glpat-${c}abcdefghij`,
  `note: xoxb-123456-${c}`,
  `note: sk-proj-${c}abcdefgh`,
  `note: syt_YWRh_${c}xyz`,
  `note: eyJhbGciOiJIUzI1NiJ9.${c}payload.${c}`,
  `note: AKIA${c}ABCDEFGHIJ`,
  `note: tskey-auth-${c}`,
  `note: npm_${c}abcdefghijklmnop`,
  `note: AIza${c}abcdefghijklmnopqrstuvwxyz0123`,
  `note: ${random}`,
  `cookie: session=${c}`,
  `SEED: ${c}`,
  `totp_seed: ${c}`,
  `LONG_SECRET=one \\\n  two ${c} \\\n  three ${c}`,
  `LONG_SECRET=one \\\ntwo ${c}`,
  `password:    \n    ${c}`,
  `password: !!str ${c}`,
  `password: &anchor ${c}`,
  `PASSWORD = ${c}`,
  `password:\t${c}`,
  `\tpassword:${c}`,
  `Password: ${c}\r\nnext: 1\r`,
];

test.each(canaries.map((text) => [text]))('W22 nothing secret is shown of %j', (text) => {
  const { text: shown, masked } = maskSecrets(`before: 1\n${text}\nafter: 2\n`);
  expect(shown).not.toContain(c);
  expect(shown).toContain(leftOut);
  expect(masked).toBeGreaterThan(0);
  expect(shown.startsWith('before: 1\n')).toBe(true);
});

test('W22 all of them in one file', () => {
  const { text } = maskSecrets(canaries.filter((one) => !one.includes('without an end')).join('\n'));
  expect(text).not.toContain(c);
});

test('W22 a long hexadecimal number is no digest where it is not named as one', () => {
  expect(maskSecrets(`note: ${'ab12'.repeat(10)}`)).toEqual({ text: `note: ${leftOut}`, masked: 1 });
});

test('what is no secret stays as it is', () => {
  const text = [
    'MAX_TASKS=4',
    'OLLAMA_BASE_URL=http://mac-studio:11434',
    'budget: { tokens: 200000, requests: 40 }',
    'author: ada',
    'image: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'PASSWORD=',
    'password: ""',
    'a sentence about what happens: it goes on',
    'path: services/dashboard/src/queries/mask-secrets-of-the-configuration.ts',
    '',
  ].join('\n');
  expect(maskSecrets(text)).toEqual({ text, masked: 0 });
});

test('of the configuration that is shipped nothing but words about secrets is left out', () => {
  for (const name of ['agent.env', 'hosts.env', 'sandbox.yaml', 'stages.yaml', 'tools.yaml', 'prompts/run.yaml']) {
    const text = readFileSync(join(import.meta.dirname, '../../../../configs', name), 'utf8');
    expect([name, maskSecrets(text).text]).toEqual([name, text]);
  }
});

test('a hostile file costs no time', () => {
  const begin = performance.now();
  for (const piece of [
    '-----BEGIN A-----\n',
    'a:',
    'password: "\n',
    '\\\n',
    'x'.repeat(100),
    '://',
    "'",
    '0123456789abcdefABC',
    ' ',
    '?t=',
  ])
    maskSecrets(piece.repeat(Math.floor(1_000_000 / piece.length)));
  expect(performance.now() - begin).toBeLessThan(20_000);
});
