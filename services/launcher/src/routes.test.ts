import { LauncherHealth, Profile, Refusal, Sandbox, SandboxList } from '@countersign/contracts/launcher-api.ts';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { EngineError } from './engine-error.ts';
import { launcherParts } from './testing/launcher-parts.ts';
import { workspaceImage } from './testing/workspace-image.ts';
import { workspaceImageName } from './workspace-image-name.ts';

const slot = '0123456789abcdef0123456789abcdef';
const refusalOf = (response: request.Response) => Refusal.parse(response.body).code;

describe('the API', () => {
  test('start, list, signal, list, remove', async () => {
    const { app, engine } = launcherParts();
    const started = await request(app).post('/sandboxes').send({ profile: 'default', slot });
    expect(started.status).toBe(201);
    const sandbox = Sandbox.parse(started.body);
    expect(sandbox).toMatchObject({ id: slot, profile: 'default', state: 'running', runtime: 'runc', exit_code: null });

    const profile = Profile.parse((await request(app).get('/profiles/default')).body);
    expect(sandbox.image).toBe(profile.image);
    expect(profile).toMatchObject({
      workspace_bytes: 2048 * 1024 ** 2,
      memory_bytes: 3072 * 1024 ** 2,
      runtime: 'runc',
    });

    expect((await request(app).post(`/sandboxes/${slot}/signal`).send({ signal: 'SIGTERM' })).status).toBe(204);
    const list = SandboxList.parse((await request(app).get('/sandboxes')).body);
    expect(list.sandboxes).toMatchObject([{ id: slot, state: 'ended', exit_code: 137 }]);

    expect((await request(app).delete(`/sandboxes/${slot}`)).status).toBe(204);
    expect((await request(app).delete(`/sandboxes/${slot}`)).status).toBe(204);
    expect(engine.containers.size).toBe(0);
  });

  test('a workspace that has an image gets it, by its name', async () => {
    const { app, engine } = launcherParts();
    const image = workspaceImage('app');
    engine.images.set(`${workspaceImageName('app')}:local`, image);
    const asked = async (path: string) => Profile.parse((await request(app).get(path)).body);
    expect(await asked('/profiles/default?workspace=app')).toMatchObject({ toolchain: 'workspace', image: image.id });
    expect(await asked('/profiles/default?workspace=other')).toMatchObject({ toolchain: 'own' });
    expect(await asked('/profiles/default')).toMatchObject({ toolchain: 'own' });

    const started = await request(app).post('/sandboxes').send({ profile: 'default', slot, workspace: 'app' });
    expect(Sandbox.parse(started.body).image).toBe(image.id);
    const without = await request(app)
      .post('/sandboxes')
      .send({ profile: 'default', slot: 'e'.repeat(32), workspace: null });
    expect(Sandbox.parse(without.body).image).not.toBe(image.id);
  });

  test('refusals have the status of their code', async () => {
    const { app, engine } = launcherParts();
    engine.images.set(`${workspaceImageName('app')}:local`, workspaceImage('other'));
    await request(app).post('/sandboxes').send({ profile: 'default', slot });
    const cases = [
      [await request(app).post('/sandboxes').send({ profile: 'default', slot }), 409, 'slot-taken'],
      [
        await request(app)
          .post('/sandboxes')
          .send({ profile: 'other', slot: 'f'.repeat(32) }),
        404,
        'unknown-profile',
      ],
      [await request(app).get('/profiles/other'), 404, 'unknown-profile'],
      [await request(app).get('/profiles/absent'), 422, 'no-image'],
      [await request(app).get('/profiles/strict'), 422, 'runtime-missing'],
      [await request(app).get('/profiles/default?workspace=app'), 422, 'image-unfit'],
      [
        await request(app)
          .post(`/sandboxes/${'f'.repeat(32)}/signal`)
          .send({ signal: 'SIGINT' }),
        404,
        'no-such-sandbox',
      ],
      [await request(app).get('/'), 404, 'bad-request'],
    ] as const;
    for (const [response, status, code] of cases) {
      expect([response.status, refusalOf(response)]).toEqual([status, code]);
      expect(response.body.message).not.toBe('');
    }
  });

  test('while the engine is down everything says so, and afterwards it works', async () => {
    const { app, engine } = launcherParts();
    engine.down = new EngineError('unreachable', 'connect ENOENT /var/run/docker.sock');
    const health = await request(app).get('/health');
    expect(health.status).toBe(200);
    expect(LauncherHealth.parse(health.body)).toMatchObject({
      status: 'engine-down',
      reason: expect.stringMatching(/ENOENT/),
    });
    for (const response of [
      await request(app).post('/sandboxes').send({ profile: 'default', slot }),
      await request(app).get('/sandboxes'),
      await request(app).get('/profiles/default'),
      await request(app).delete(`/sandboxes/${slot}`),
      await request(app).post(`/sandboxes/${slot}/signal`).send({ signal: 'SIGINT' }),
    ]) {
      expect([response.status, refusalOf(response)]).toEqual([503, 'engine-down']);
      expect(response.body.message).toMatch(/ENOENT/);
    }
    engine.down = null;
    expect((await request(app).post('/sandboxes').send({ profile: 'default', slot })).status).toBe(201);
    expect(LauncherHealth.parse((await request(app).get('/health')).body).status).toBe('ok');
  });

  test('a fault of the launcher’s own is logged, and told without a word of it', async () => {
    const { app, engine, log } = launcherParts();
    engine.list = () => Promise.reject(new TypeError('a secret of the launcher'));
    const answer = await request(app).get('/sandboxes');
    expect([answer.status, refusalOf(answer)]).toEqual([500, 'internal']);
    expect(answer.text).not.toContain('secret');
    expect(log).toContainEqual(expect.objectContaining({ level: 50, msg: 'a request failed' }));
  });

  test('a fault of the launcher’s own is no word on the engine', async () => {
    const { app, engine } = launcherParts();
    engine.version = () => Promise.reject(new TypeError('a fault'));
    expect((await request(app).get('/health')).status).toBe(500);
  });

  test('every refusal is logged with its code and message', async () => {
    const { app, log } = launcherParts();
    await request(app).get('/profiles/other');
    expect(log).toContainEqual(
      expect.objectContaining({ msg: 'refused', code: 'unknown-profile', detail: expect.stringMatching(/default/) }),
    );
  });
});
