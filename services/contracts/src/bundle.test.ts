import { expect, test } from 'vitest';
import { Bundle, bundleDigest } from './bundle.ts';

const sha = 'a'.repeat(64);
const bundle: Bundle = {
  version: 1,
  task: 'abcde',
  run: 'RUN-20261120-001',
  file: 'x.md',
  task_file: sha,
  spec: null,
  plan: sha,
  workspace: 'a',
  stage: 'staging',
  repositories: [{ name: 'a', branch: 'main', base_head: 'b'.repeat(40) }],
  tool: { name: 'agent', definition: sha },
  model: { kind: 'rehearsal', name: 'm' },
  sandbox: { profile: 'default', definition: sha, image: `sha256:${sha}` },
  prompts: { run: sha },
  policy: sha,
  timeout_sec: 60,
  nonce: '0'.repeat(32),
  requested_at: '2026-11-20T10:00:00.000Z',
  expires_at: '2026-11-23T10:00:00.000Z',
};

test('the digest is that of the content, not of its spelling', () => {
  const reversed = Bundle.parse(Object.fromEntries(Object.entries(bundle).reverse()));
  expect(bundleDigest(reversed)).toBe(bundleDigest(bundle));
});

test('A07 A22 every member counts', () => {
  const other = 'c'.repeat(64);
  const changes: Partial<Bundle>[] = [
    { task: 'abcdf' },
    { run: 'RUN-20261120-002' },
    { file: 'y.md' },
    { task_file: other },
    { spec: other },
    { plan: other },
    { workspace: 'b' },
    { stage: 'prod' },
    { repositories: [{ name: 'a', branch: 'main', base_head: 'c'.repeat(40) }] },
    { tool: { name: 'agent', definition: other } },
    { model: { kind: 'own', name: 'm' } },
    { sandbox: { ...bundle.sandbox, image: `sha256:${other}` } },
    { prompts: { run: other } },
    { policy: other },
    { timeout_sec: 61 },
    { nonce: '1'.repeat(32) },
    { requested_at: '2026-11-20T10:00:00.001Z' },
    { expires_at: '2026-11-23T10:00:00.001Z' },
  ];
  const digests = [bundle, ...changes.map((change) => ({ ...bundle, ...change }))].map(bundleDigest);
  expect(new Set(digests).size).toBe(digests.length);
  // Besides `version`, which has one value, each member was changed once.
  expect(changes.length).toBe(Object.keys(Bundle.shape).length - 1);
});
