import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openQuestion } from '@countersign/contracts/task-record.ts';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../../services/gateway/src/gateway-fixture.ts';
import { Gateway } from '../../services/runner/src/sandbox/clients.ts';
import { Rooms } from '../../services/runner/src/sandbox/rooms.ts';
import { makeHome, openContext } from '../../services/runner/src/testing/home.ts';
import { makeRecord, states } from '../../services/runner/src/testing/record.ts';
import { forwardSocket } from '../../services/sandbox-agent/src/agent/forwarder.ts';
import { root } from '../support/stack.ts';

const program = join(root, 'services/sandbox-agent/src/question/main.ts');
const patience = { timeout: 30_000, interval: 20 };

/** From a tool's command to the runner's journal and back: the sandbox's port, the gateway's socket, the runner's questions. */
async function begin() {
  const gateway = await startGateway();
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const client = new Gateway(join(dirname(gateway.slotsFolder), 'gateway.sock'));
  const { slot } = gateway;
  const home = makeHome();
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state: { ...states.running, slot, since: context.now().toISOString() } });
  mkdirSync(home.layout.task(run, record.id), { recursive: true });
  writeFileSync(home.layout.fileOf(record), 'workspace: project\n\nsay hello\n');
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const { questions } = context;
  const rooms = new Rooms(client);
  rooms.open(slot, { take: (post) => questions.take(record.id, post), events: () => questions.room(record.id) });
  const over = new AbortController();
  const repeated = (async () => {
    while (!over.signal.aborted) {
      await rooms.serve(await client.openSlot(slot));
      await sleep(20);
    }
  })();
  const forwarder = await forwardSocket(join(gateway.slotsFolder, slot, 'synapse.sock'), 0);
  onTestFinished(async () => {
    over.abort();
    await repeated;
    forwarder.close();
    await client[Symbol.asyncDispose]();
  });
  const env = {
    PATH: process.env['PATH'] ?? '',
    COUNTERSIGN_ROOM: `http://127.0.0.1:${(forwarder.address() as AddressInfo).port}`,
  };
  const ask = (...words: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(program, words, { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  const open = () => openQuestion(context.tasks.get(record.id) ?? record);
  const answer = async (text: string) => {
    await expect.poll(open, patience).not.toBeNull();
    const at = context.now().toISOString();
    return questions.end(
      record.id,
      open()?.id ?? '',
      { outcome: 'answered', text, channel: 'shell', user: 'op', command: 'c', at },
      { agent_role: 'operator', summary: 'answered' },
    );
  };
  return { ask, open, answer };
}

test('a tool asks twice, one after the other, and is told both answers', async () => {
  const { ask, open, answer } = await begin();
  const port = ask('Which port?', '--option', '8080', '--option', '9090');
  expect(await answer('9090')).toBe(true);
  expect(await port).toEqual({ code: 0, stdout: '9090\n', stderr: '' });
  const where = ask('And where is the key?');
  await expect.poll(open, patience).toMatchObject({ number: 2, options: [] });
  await answer('in the drawer, „unter“ the papers');
  expect(await where).toEqual({ code: 0, stdout: 'in the drawer, „unter“ the papers\n', stderr: '' });
});

test('who asks while somebody else does is refused, and the other one is answered', async () => {
  const { ask, open, answer } = await begin();
  const first = ask('Which port?');
  await expect.poll(open, patience).not.toBeNull();
  const second = await ask('Which host?');
  expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('one question at a time') });
  await answer('8080');
  expect(await first).toMatchObject({ code: 0, stdout: '8080\n' });
});
