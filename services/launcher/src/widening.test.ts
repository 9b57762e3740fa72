import { SandboxProfiles } from '@countersign/contracts/config/sandbox.ts';
import request from 'supertest';
import { expect, test } from 'vitest';
import { readSettings } from './config.ts';
import type { Inspection } from './container.ts';
import { ingredients } from './testing/ingredients.ts';
import { launcherParts } from './testing/launcher-parts.ts';
import { widenings } from './testing/widenings.ts';

const slot = '0123456789abcdef0123456789abcdef';
const start = { profile: 'default', slot };

/** Each of them asks for as many sandboxes as there are ways to widen one. */
const timeout = 30_000;
/** All that was made of a sandbox which nothing was asked for besides. */
const plain = await made((agent) => agent.post('/sandboxes').send(start));

type Ask = (agent: ReturnType<typeof request>) => request.Test;

/** The containers that there are after a request. */
async function made(ask: Ask): Promise<Inspection[]> {
  const { app, engine } = launcherParts();
  await ask(request(app));
  return [...engine.containers.values()];
}

const word = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const inQuery = (name: string, value: unknown) => `${new URLSearchParams([[name, word(value)]])}`;

/** Where a request has room for more than is asked there. */
const refusing: Record<string, (name: string, value: unknown) => Ask> = {
  'the body': (name, value) => (agent) => agent.post('/sandboxes').send({ ...start, [name]: value }),
  'the engine’s own part of the body': (name, value) => (agent) =>
    agent.post('/sandboxes').send({ ...start, HostConfig: { [name]: value } }),
  'the profile of the body': (name, value) => (agent) =>
    agent.post('/sandboxes').send({ slot, profile: { name: 'default', [name]: value } }),
  'the slot of the body': (name, value) => (agent) =>
    agent.post('/sandboxes').send({ profile: 'default', slot: { id: slot, [name]: value } }),
  'the workspace of the body': (name, value) => (agent) =>
    agent.post('/sandboxes').send({ ...start, workspace: { name: 'app', [name]: value } }),
  'the prototype of the body': (name, value) => (agent) =>
    agent
      .post('/sandboxes')
      .set('content-type', 'application/json')
      .send(`{"profile":"default","slot":"${slot}","__proto__":${JSON.stringify({ [name]: value })}}`),
  'a form': (name, value) => (agent) =>
    agent
      .post('/sandboxes')
      .type('form')
      .send(`profile=default&slot=${slot}&${inQuery(name, value)}`),
  'the path': (name) => (agent) => agent.post(`/sandboxes/${encodeURIComponent(name)}`).send(start),
  'the path of a signal': (name, value) => (agent) =>
    agent.post(`/sandboxes/${encodeURIComponent(`${slot}&${inQuery(name, value)}`)}/signal`).send({ signal: 'SIGINT' }),
  'the body of a signal': (name, value) => (agent) =>
    agent.post(`/sandboxes/${slot}/signal`).send({ signal: 'SIGINT', [name]: value }),
  'the name of a profile': (name, value) => (agent) =>
    agent.get(`/profiles/${encodeURIComponent(`default&${inQuery(name, value)}`)}`),
  'the query of a profile': (name, value) => (agent) => agent.get(`/profiles/default?${inQuery(name, value)}`),
};

/** What a request carries besides, and nobody here reads. */
const unread: Record<string, (name: string, value: unknown) => Ask> = {
  'a query': (name, value) => (agent) => agent.post(`/sandboxes?${inQuery(name, value)}`).send(start),
  'a header of its name': (name, value) => (agent) =>
    agent
      .post('/sandboxes')
      .set(name.replaceAll('_', '-'), encodeURIComponent(word(value)))
      .send(start),
  'a header that could be meant': (name, value) => (agent) =>
    agent
      .post('/sandboxes')
      .set({
        'x-countersign-options': JSON.stringify({ [name]: value }),
        'x-http-method-override': 'PUT',
        'x-original-url': `/v1.45/containers/create?${inQuery(name, value)}`,
        'x-registry-config': Buffer.from(JSON.stringify({ [name]: value })).toString('base64'),
      })
      .send(start),
  'a cookie': (name, value) => (agent) => agent.post('/sandboxes').set('cookie', inQuery(name, value)).send(start),
};

test.each(Object.entries(refusing))(
  'S006 S007 nothing that widens a container can be asked for by %s',
  { timeout },
  async (_, ask) => {
    const taken: string[] = [];
    for (const [name, value] of widenings) {
      const { app, engine } = launcherParts();
      const { status, body } = await ask(name, value)(request(app));
      if (![404, 422].includes(status) || body.code !== 'bad-request' || engine.calls.length > 0) taken.push(name);
    }
    expect(taken).toEqual([]);
  },
);

test.each(Object.entries(unread))(
  'S006 S007 a sandbox is the same one with all that could widen it in %s',
  { timeout },
  async (_, ask) => {
    expect(plain).toHaveLength(1);
    for (const [name, value] of widenings) expect(await made(ask(name, value)), name).toEqual(plain);
  },
);

test('S006 S007 no profile of the operator’s has a field that widens a container, nor has the file one beside them', () => {
  const isRead = (profile: object, beside: object = {}) =>
    SandboxProfiles.safeParse({ version: 1, profiles: { x: profile }, ...beside }).success;
  const { profile } = ingredients;
  expect(isRead(profile)).toBe(true);
  for (const [name, value] of widenings) {
    const more = { [name]: value };
    expect([isRead({ ...profile, ...more }), isRead(profile, more)], name).toEqual([false, false]);
  }
});

test('S006 S007 no variable of the launcher’s widens a container', () => {
  for (const [name, value] of widenings) {
    const variable = `LAUNCHER_${name.toUpperCase()}`;
    expect(() => readSettings({ [variable]: word(value) }), variable).toThrow(variable);
  }
});
