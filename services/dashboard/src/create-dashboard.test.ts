import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, isSignatureGood } from '@countersign/contracts/command.ts';
import { Now, Session, TaskDetail } from '@countersign/contracts/page-api.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runDashboard } from './create-dashboard.ts';
import { LoginToken } from './session/login-token.ts';
import { type Answered, askSocket } from './testing/ask-socket.ts';
import { DashboardGround, until } from './testing/dashboard-ground.ts';

const token = 'S'.repeat(43);
const host = '127.0.0.1:7860';
const { privateKey } = generateKeyPairSync('ed25519');

describe('the dashboard', () => {
  let folder: string;
  let socket: string;
  let stop: AbortController;
  let running: Promise<void> = Promise.resolve();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
    socket = join(folder, 'page.sock');
    stop = new AbortController();
    for (const name of ['spool', 'index', 'logs']) await mkdir(join(folder, name));
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await rm(folder, { recursive: true });
  });

  const start = async ({ volumes, configs }: DashboardGround) => {
    const config = {
      volumes,
      configs,
      spool: join(folder, 'spool'),
      index: join(folder, 'index'),
      logs: join(folder, 'logs'),
      socket,
      servicesSocket: join(folder, 'no-launcher.sock'),
      page: join(folder, 'page'),
      port: 7860,
      hosts: [],
      user: 'operator',
      logLevel: 'error',
    };
    const secrets = { token: new LoginToken(token), key: privateKey };
    running = runDashboard(config, secrets, stop.signal, { logger: pino({ level: 'silent' }) });
    await until(
      () => stat(socket),
      () => true,
    );
  };

  const signIn = async () => {
    const { headers } = await askSocket(socket, 'GET', `/login?token=${token}`, { host });
    return { host, cookie: String(headers['set-cookie']).split(';')[0] ?? '' };
  };

  const json = ({ text }: Answered): unknown => JSON.parse(text);

  it('shows a task that waits, and makes one signed command of the tap that approves it', async () => {
    const ground = new DashboardGround();
    const task = makeWaitingTask('the plan');
    await writeWaitingTask(ground.volumes, task);
    await ground.says('approval_requested', task.record);
    await start(ground);
    const own = await signIn();
    const now = await until(
      async () => Now.parse(json(await askSocket(socket, 'GET', '/api/now', own))),
      ({ attention }) => attention.length === 1,
    );
    expect(now.attention[0]?.task).toBe(task.record.id);
    const detail = TaskDetail.parse(json(await askSocket(socket, 'GET', `/api/tasks/${task.record.id}`, own)));
    expect(detail.approval).toMatchObject({ digest: task.view.digest, plan: { text: 'the plan' } });
    const { csrf } = Session.parse(json(await askSocket(socket, 'GET', '/api/session', own)));
    const body = JSON.stringify({ kind: 'approve', task: task.record.id, digest: task.view.digest });
    const headers = {
      ...own,
      origin: `http://${host}`,
      'x-countersign-csrf': csrf,
      'content-type': 'application/json',
      'content-length': String(body.length),
    };
    const answer = await askSocket(socket, 'POST', '/api/commands', headers, body);
    expect(answer.status).toBe(202);
    expect(answer.text).toContain('The runner is not running');
    const [name = '', ...more] = await readdir(join(folder, 'spool'));
    expect(more).toEqual([]);
    const command = Command.parse(JSON.parse(await readFile(join(folder, 'spool', name), 'utf8')));
    expect(isSignatureGood(command, createPublicKey(privateKey))).toBe(true);
    expect(command).toMatchObject({ kind: 'approve', subject: { task: task.record.id, digest: task.view.digest } });

    await ground.append(null, {
      event: 'command_accepted',
      summary: 'approved',
      data: { command: command.id, kind: command.kind },
    });
    const verdict = await until(
      async () => json(await askSocket(socket, 'GET', `/api/commands/${command.id}`, own)),
      (value) => JSON.stringify(value).includes('accepted'),
    );
    expect(verdict).toEqual({ id: command.id, verdict: 'accepted', message: 'approved' });
  });

  it('is there for its own user and group alone, says how it is, and takes a dead one’s socket over', async () => {
    const ground = new DashboardGround();
    await start(ground);
    expect((await stat(socket)).mode & 0o777).toBe(0o660);
    const health = await until(
      () => readHealth(join(folder, 'logs')),
      (found) => found?.report.status === 'ok',
    );
    expect(health).toMatchObject({ alive: true, report: { service: 'dashboard' } });
    stop.abort();
    await running;
    await writeFile(join(folder, 'index/index.sqlite'), 'not a database');
    stop = new AbortController();
    await start(ground);
    expect((await askSocket(socket, 'GET', '/login', { host })).status).toBe(200);
    const own = await signIn();
    const answer = await until(
      () => askSocket(socket, 'GET', '/api/now', own),
      ({ status }) => status !== 503,
    );
    expect(answer.status).toBe(200);
  });

  it('W13 a restart ends all sessions', async () => {
    const ground = new DashboardGround();
    await start(ground);
    const own = await signIn();
    expect((await askSocket(socket, 'GET', '/api/session', own)).status).toBe(200);
    stop.abort();
    await running;
    stop = new AbortController();
    await start(ground);
    expect((await askSocket(socket, 'GET', '/api/session', own)).status).toBe(401);
  });

  it('ends in a moment, also while streams are open', async () => {
    const ground = new DashboardGround();
    await start(ground);
    const own = await signIn();
    const stream = askSocket(socket, 'GET', '/api/stream', own).catch((error: Error) => error);
    await until(
      () => readHealth(join(folder, 'logs')),
      (found) => found?.report.status === 'ok',
    );
    const began = performance.now();
    stop.abort();
    await running;
    expect(performance.now() - began).toBeLessThan(2_000);
    await stream;
    await expect(stat(socket)).rejects.toThrow('ENOENT');
  });
});
