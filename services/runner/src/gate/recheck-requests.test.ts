import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { toolDigest } from '../config.ts';
import type { Context } from '../context.ts';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { approval, makeRecord, since, states } from '../testing/record.ts';
import type { Dependencies } from '../work/dependencies.ts';
import { recheckRequests } from './recheck-requests.ts';

const file = 'workspace: project\nstage: staging\n\nsay hello\n';
const plan = '1. say hello\n';
const image = (digit: string) => `sha256:${digit.repeat(64)}`;
const profile: Profile = {
  name: 'default',
  image: image('1'),
  definition: '2'.repeat(64),
  runtime: 'runc',
  workspace_bytes: 1,
  memory_bytes: 1,
  toolchain: 'own',
  warm: 0,
};

/** A task that waits for approval, and a stack that would run it so. */
async function begin({
  now = {},
  model = 'small',
  answers = true,
}: {
  now?: Partial<Profile>;
  model?: string;
  answers?: boolean;
} = {}) {
  const context = await openContext(makeHome());
  const run = await context.runs.ofTheDay('project', context.now());
  const facts = { bases: [{ repository: 'project', branch: 'main', head: 'a'.repeat(40) }], task_file: sha256(file) };
  const draft = makeRecord({ run, stage: 'staging', gate: true, attempts: 1, ...facts });
  const bundle: Bundle = {
    version: 1,
    task: draft.id,
    run,
    file: draft.file,
    task_file: sha256(file),
    spec: null,
    plan: sha256(plan),
    workspace: 'project',
    stage: 'staging',
    repositories: [{ name: 'project', branch: 'main', base_head: 'a'.repeat(40) }],
    tool: { name: 'agent', definition: toolDigest(context.config, 'agent') },
    model: { kind: 'ollama', name: 'small' },
    sandbox: { profile: 'default', definition: profile.definition, image: profile.image },
    prompts: { plan: sha256('plan'), run: sha256('run') },
    policy: sha256('policy'),
    timeout_sec: 600,
    nonce: '0'.repeat(32),
    requested_at: since,
    expires_at: approval.expires_at,
  };
  const record = { ...draft, state: { ...states.pending, digest: bundleDigest(bundle) } };
  const folder = context.layout.task(run, record.id);
  mkdirSync(join(folder, 'attempts/1'), { recursive: true });
  for (const [name, text] of Object.entries({
    'task.md': file,
    'objective.md': 'say hello',
    'attempts/1/plan.md': plan,
    'bundle.json': canonicalJson(bundle),
  }))
    writeFileSync(join(folder, name), text);
  writeFileSync(context.layout.fileOf(record), file);
  await context.tasks.create(record, { event: 'approval_requested', phase: 'gate', agent_role: 'runner', summary: '' });
  const dependencies = {
    state: {
      launcher: answers ? { ok: true, profiles: new Map() } : { ok: false, reason: 'down' },
      model: { ok: true, model: { kind: 'ollama', name: model }, contextLength: 8_192 },
      disk: { ok: true, freeBytes: 1 },
    },
    profileFor: async () => ({ ok: true, profile: { ...profile, ...now } }),
  } as unknown as Dependencies;
  const stack: Context = { ...context, dependencies };
  return { stack, record, state: () => context.tasks.get(record.id)?.state, journal: context.layout.runJournal(run) };
}

test('a request for what would still be run stays as it is', async () => {
  const { stack, record, state } = await begin();
  expect(await recheckRequests(stack)).toBe(true);
  expect(state()).toEqual(record.state);
});

test.each([
  ['image', { now: { image: image('9') } }, "the sandbox's image"],
  ['sandbox profile', { now: { definition: '9'.repeat(64) } }, 'the sandbox profile'],
  ['model', { model: 'large' }, 'the model'],
])('a request whose %s is another one by now is taken back and made anew', async (_what, change, words) => {
  const { stack, record, state, journal } = await begin(change);
  expect(await recheckRequests(stack)).toBe(true);
  expect(state()).toMatchObject({
    status: 'queued',
    reason: expect.stringContaining(`the request is void: changed since it was shown: ${words}`),
  });
  expect(stack.tasks.get(record.id)?.bases).toBeNull();
  expect(eventsOf(journal).at(-1)).toMatchObject({ event: 'task_requeued', data: { digest: record.state.digest } });
});

test('nothing is taken back while nobody knows what would be run', async () => {
  const { stack, record, state } = await begin({ now: { image: image('9') }, answers: false });
  expect(await recheckRequests(stack)).toBe(false);
  expect(state()).toEqual(record.state);
});
