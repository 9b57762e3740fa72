import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { codeAt } from '../../services/runner/src/testing/one-time-code.ts';
import { launch, picture, type Watched, watch } from '../browser/support/browser.ts';
import { containerOf } from '../support/host-kill.ts';
import { Operator } from '../support/operator.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;
let operator: Operator;
let link: string;
let browser: Browser;
let tab: Watched;

beforeAll(async () => {
  stack = await Stack.made('dashboard');
  const up = await stack.mustUp(['--rehearsal', '--json']);
  link = JSON.parse(up.stdout.trimEnd().split('\n').at(-1) ?? '').dashboard;
  operator = await Operator.of(stack);
  await stack.workspace('project');
  browser = await launch();
  tab = await watch(browser, new URL(link).origin, { size: 'phone' });
  tab.page.setDefaultTimeout(30_000);
});
afterAll(async () => {
  await browser?.close();
  await stack[Symbol.asyncDispose]();
});

// Of what went wrong on a page only the page can tell.
beforeEach(({ task: { name }, onTestFailed }) => {
  onTestFailed(async () => {
    const slug = name.replaceAll(/[^a-z]+/gi, '-').slice(0, 40);
    await picture(tab.page, `failed-${slug}`);
    process.stderr.write(`${slug}, at ${tab.page.url()}:\n${await tab.page.locator('body').innerText()}\n`);
  });
});

const task = (keys: string, ...lines: readonly string[]) =>
  `workspace: project\n${keys}\n\n${lines.map((line, index) => `${index + 1}. ${line}\n`).join('')}`;

const card = (id: string): Locator => tab.page.locator(`[data-task="${id}"]`);

describe('the operator’s day, on the page', () => {
  test('the link that scripts/up gives logs in', async () => {
    await tab.page.goto(link);
    await tab.page.getByRole('heading', { name: 'Now' }).waitFor();
    expect(tab.page.url()).not.toContain('token');
    expect(await (await fetch(new URL('/api/tasks', link))).json()).toMatchObject({ error: 'no_session' });
  });

  test('a task comes in by itself, is read, approved, and watched', async () => {
    await tab.page.goto('/approvals');
    await stack.drop('first.md', task('stage: staging', 'run echo so it is; sleep 4', 'create first.txt with one'));
    const { id } = await stack.reaches('first.md', ['pending']);
    await card(id).getByText('Plan').first().click();
    await card(id).getByText('create first.txt').first().waitFor();
    await picture(tab.page, 'real-approval-phone');
    // Whoever leaves the page before the tap is on its way takes it with him.
    const taken = tab.page.waitForResponse((answer) => answer.request().method() === 'POST');
    await card(id).getByRole('button', { name: 'Approve' }).tap();
    await taken;
    await tab.page.goto('/');
    await tab.page.getByText('so it is').first().waitFor();
    await picture(tab.page, 'real-running-phone');
    const { state } = await stack.reaches('first.md', ['review']);
    expect(state.result.repositories).toHaveLength(1);
    const events = await stack.events((await stack.task('first.md'))?.run ?? '');
    expect(events.find(({ event }) => event === 'task_approved')?.data).toMatchObject({
      record: { state: { approval: { channel: 'dashboard', user: 'operator' } } },
    });
  });

  test('its diff is read and merged', async () => {
    const record = await stack.reaches('first.md', ['review']);
    await tab.page.goto(`/tasks/${record.id}?tab=diff`);
    await tab.page.getByText('first.txt').filter({ visible: true }).first().waitFor();
    await picture(tab.page, 'real-diff-phone');
    const review = tab.page.getByRole('region', { name: 'Review' });
    await review.getByLabel('although nothing was verified').check();
    await review.getByRole('button', { name: 'Merge' }).tap();
    await stack.reaches('first.md', ['done']);
    await tab.page.getByText('Done').first().waitFor();
    expect(await operator.git('project', 'show', 'main:first.txt')).toBe('one');
  });

  test('another one is cancelled while it runs', async () => {
    await stack.drop('second.md', task('stage: dev', 'run sleep 300'));
    const { id } = await stack.reaches('second.md', ['running']);
    await tab.page.goto(`/tasks/${id}`);
    await tab.page.getByRole('button', { name: 'Cancel the task' }).tap();
    const sheet = tab.page.getByRole('dialog');
    await sheet.getByRole('textbox').fill('not today');
    await sheet.getByRole('button', { name: 'Cancel the task' }).tap();
    const { cancellation } = await stack.reaches('second.md', ['cancelled']);
    expect(cancellation).toMatchObject({ channel: 'dashboard', reason: 'not today' });
    await tab.page.getByText('Cancelled').first().waitFor();
  });

  test('the tool of another one asks, is answered by one tap, and goes on with what it was told', async () => {
    await tab.page.goto('/');
    const ask = 'run countersign-ask "Which port?" --option 8080 --option 9090 --deadline 110 > answer.txt';
    await stack.drop('asks.md', task('stage: dev', ask));
    const { id } = await stack.reaches('asks.md', ['running'], 90_000);
    // The title holds these words as well.
    await card(id).getByText('Which port?', { exact: true }).waitFor({ timeout: 60_000 });
    await card(id).getByText('the attempt is stopped').waitFor();
    await picture(tab.page, 'real-question-phone');
    await card(id).getByRole('button', { name: '9090', exact: true }).tap();
    // Its end stays to be read, however far the task is by then.
    await card(id)
      .getByText(/answered “9090”/)
      .waitFor();
    const { state, run } = await stack.reaches('asks.md', ['review'], 90_000);
    const head = state.result.repositories[0]?.head;
    expect((await operator.git('project', 'show', `${head}:answer.txt`)).trim()).toBe('9090');
    const ended = (await stack.events(run)).find(({ event, task_id }) => event === 'question_ended' && task_id === id);
    expect(ended?.data).toMatchObject({
      record: { state: { question: { answer: { channel: 'dashboard', user: 'operator', text: '9090' } } } },
    });
  });

  test('W23 the listener is stopped and started by the launcher, and the journal tells', async () => {
    const state = async () => (await execa('docker', ['inspect', '--format', '{{.State.Status}}', listener])).stdout;
    const listener = await containerOf(stack, 'matrix-listener');
    await tab.page.goto('/services');
    for (const other of ['launcher', 'gateway', 'dashboard', 'runner'])
      await tab.page.locator(`[data-service="${other}"]`).getByText('OK', { exact: true }).first().waitFor();
    const service = tab.page.locator('[data-service="matrix-listener"]');
    for (const [word, becomes] of [
      ['Stop', 'exited'],
      ['Start', 'running'],
    ] as const) {
      await service.getByRole('button', { name: `${word} matrix-listener` }).tap();
      await tab.page
        .getByRole('dialog')
        .getByRole('button', { name: `${word} it` })
        .tap();
      await expect.poll(state, { timeout: 40_000 }).toBe(becomes);
      await service.getByText(becomes).first().waitFor();
    }
    const told = async () =>
      (await stack.events(null))
        .filter(({ event }) => event === 'service_order')
        .map(({ data }) => [data?.['kind'], data?.['service']]);
    await expect.poll(told, { timeout: 20_000 }).toEqual([
      ['service_stop', 'matrix-listener'],
      ['service_start', 'matrix-listener'],
    ]);
  });

  test('W15 prod needs a one-time code, and each code counts once', async () => {
    const enrolled = await stack.script('countersign', ['enrol-code']);
    expect([enrolled.exitCode, enrolled.stderr]).toEqual([0, expect.any(String)]);
    const seed = (await readFile(join(stack.secrets, 'runner', 'prod-code.seed'), 'utf8')).trim();
    for (const name of ['third', 'fourth'])
      await stack.drop(`${name}.md`, task('stage: prod', `create ${name}.txt with one`));
    const ids = [
      (await stack.reaches('third.md', ['pending'])).id,
      (await stack.reaches('fourth.md', ['pending'], 90_000)).id,
    ] as const;
    await tab.page.goto('/approvals');
    const code = codeAt(new Date(), seed);
    await card(ids[0]).getByLabel('One-time code').fill(code);
    await card(ids[0]).getByRole('button', { name: 'Approve' }).tap();
    await stack.reaches('third.md', ['review'], 90_000);
    await card(ids[1]).getByLabel('One-time code').fill(code);
    await card(ids[1]).getByRole('button', { name: 'Approve' }).tap();
    await card(ids[1]).getByText('used already').waitFor();
    expect((await stack.task('fourth.md'))?.state.status).toBe('pending');
    const journals = await Promise.all(
      ['', (await stack.task('third.md'))?.run ?? ''].map((run) =>
        readFile(join(stack.home, 'runs', run, 'telemetry.jsonl'), 'utf8'),
      ),
    );
    expect(journals.join('')).toContain('"second_factor"');
    expect(journals.join('')).not.toContain(`"${code}"`);
  });

  test('nothing on any of these pages broke its policy, threw, or asked another server', () => {
    expect(tab.faults).toEqual([]);
  });
});

describe('while the runner is down', () => {
  test('a decision is kept, the page says so, and it counts when the runner is back', async () => {
    await stack.drop('fifth.md', task('stage: staging', 'create fifth.txt with one'));
    const { id } = await stack.reaches('fifth.md', ['pending'], 90_000);
    await stack.compose('stop', 'runner');
    try {
      await tab.page.goto('/approvals');
      // A service is silent for half a minute before it counts as gone.
      const gone = tab.page.getByText(/runner does not answer/).first();
      await gone.waitFor({ timeout: 60_000 });
      await card(id).getByRole('button', { name: 'Approve' }).tap();
      await card(id)
        .getByText(/as soon as it runs again/)
        .waitFor();
    } finally {
      await stack.compose('start', 'runner');
    }
    await stack.reaches('fifth.md', ['review'], 90_000);
  });
});

describe('while the launcher is down', () => {
  test('the page says so, orders nothing, and goes on as soon as it is back', async () => {
    await stack.compose('stop', 'launcher');
    onTestFinished(async () => void (await stack.compose('start', 'launcher')));
    await tab.page.goto('/services');
    await tab.page.getByText('The launcher cannot be asked').waitFor();
    const service = tab.page.locator('[data-service="matrix-listener"]');
    await service.getByRole('button', { name: 'Stop matrix-listener' }).tap();
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).tap();
    await service
      .getByText(/launcher does not answer|cannot be reached|nothing was done/i)
      .first()
      .waitFor();
    const listener = await containerOf(stack, 'matrix-listener');
    const state = (await execa('docker', ['inspect', '--format', '{{.State.Status}}', listener])).stdout;
    expect(state).toBe('running');
    await stack.compose('start', 'launcher');
    await expect
      .poll(
        async () => {
          await tab.page.goto('/services');
          await tab.page.locator('[data-service="runner"]').getByText('running').first().waitFor({ timeout: 3_000 });
          return await tab.page.getByText('The launcher cannot be asked').count();
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toBe(0);
  });
});

describe('what should not happen', () => {
  const listed = async (file: string) =>
    await tab.page
      .locator(`main a[href="/tasks/${(await stack.task(file))?.id}"]`)
      .first()
      .waitFor();

  test('an index that is damaged while it is used is made anew, and the page shows everything again by itself', async () => {
    await tab.page.goto('/tasks');
    await listed('first.md');
    const spoil = `require('node:fs').writeFileSync('/index/index.sqlite', Buffer.alloc(200_000, 0xa5))`;
    expect((await stack.compose('exec', '--no-TTY', 'dashboard', 'node', '-e', spoil)).exitCode).toBe(0);
    await stack.drop('sixth.md', task('stage: staging', 'create sixth.txt with one'));
    const { id } = await stack.reaches('sixth.md', ['pending'], 90_000);
    await tab.page.goto('/approvals');
    await card(id).waitFor();
    await tab.page.goto('/tasks');
    for (const file of ['first.md', 'second.md', 'fifth.md']) await listed(file);
  });

  test('streams that are half open, or whose reader takes nothing, hold nobody up', async () => {
    const cookie = (await tab.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const asked = `GET /api/stream HTTP/1.1\r\nhost: 127.0.0.1:${stack.pagePort}\r\ncookie: ${cookie}\r\n\r\n`;
    const sockets = Array.from({ length: 40 }, (_, index) => {
      const socket = connect({ host: '127.0.0.1', port: stack.pagePort, allowHalfOpen: true });
      socket.on('error', () => undefined);
      if (index % 2 === 0) socket.end(asked);
      else socket.pause().write(asked);
      return socket;
    });
    await tab.page.goto('/approvals');
    await stack.drop('seventh.md', task('stage: staging', 'create seventh.txt with one'));
    const { id } = await stack.reaches('seventh.md', ['pending'], 90_000);
    await card(id).waitFor();
    for (const socket of sockets) socket.destroy();
  });
});

test('W28 S027 code in a sandbox finds neither the page nor a socket that leads to it', async () => {
  const hosts = ['127.0.0.1', '::1', '172.17.0.1', 'door', 'dashboard', 'host.docker.internal', ...ownAddresses()];
  const places = hosts.flatMap((host) => [stack.pagePort, 7860].map((port) => ({ host, port })));
  const knock = `
    for (const place of ${JSON.stringify(places)})
      require("node:net").connect({ ...place, timeout: 2_000 })
        .on("connect", function () { console.log("reached", place.host); this.destroy(); })
        .on("timeout", function () { this.destroy(new Error("silent")); })
        .on("error", ({ code, message }) => console.log("not", place.host, code ?? message));
  `.replaceAll(/\s+/g, ' ');
  const seen = 'find / -path /proc -prune -o -type s -print 2>/dev/null; find /workspace -maxdepth 0';
  await stack.drop('knock.md', task('stage: dev', `run (node -e '${knock}'; ${seen}) > knocked.txt; true`));
  const { state } = await stack.reaches('knock.md', ['review'], 90_000);
  const knocked = await operator.git('project', 'show', `${state.result.repositories[0]?.head}:knocked.txt`);
  const lines = knocked.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => line.startsWith('not '))).toHaveLength(places.length);
  expect(lines.filter((line) => line.startsWith('reached '))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('/')).sort()).toEqual(['/workspace']);
  // What knocks is heard where there is somebody: here the page is.
  const here = await execa(process.execPath, ['-e', knock]);
  expect(here.stdout).toContain('reached 127.0.0.1');
});

test('W01 the port answers on this host’s loopback and on no other address of it', async () => {
  const answers = (host: string) =>
    new Promise<number | string>((resolve) => {
      const asked = request({ host, port: stack.pagePort, path: '/login', timeout: 3_000 }, ({ statusCode }) =>
        resolve(statusCode ?? 0),
      );
      asked.on('timeout', () => asked.destroy(new Error('timeout')));
      asked.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      asked.end();
    });
  expect(await answers('127.0.0.1')).toBe(200);
  const others = ownAddresses();
  expect(others).not.toEqual([]);
  for (const address of others) expect([address, await answers(address)]).toEqual([address, 'ECONNREFUSED']);
});

/** Of this machine, without the loopback's. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
