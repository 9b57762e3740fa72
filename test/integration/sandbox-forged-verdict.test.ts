import { join } from 'node:path';
import { RebaseGround } from '@countersign/sandbox-agent/src/testing/rebase-ground.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Assigner } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('forged');
  assigner = await Assigner.open(sandboxes.folder);
});
afterAll(() => sandboxes[Symbol.asyncDispose]());

/** Speaks the protocol in the agent's place: learns the task by a first connection, and ends it by a second. */
const forger = `
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
const frame = (type, value) => {
  const payload = Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length);
  head[4] = type;
  return Buffer.concat([head, payload]);
};
const talk = (hello, on) => {
  const socket = connect('/slot/control.sock');
  socket.on('error', () => {});
  socket.write(frame(0x81, hello));
  let data = Buffer.alloc(0);
  socket.on('data', (more) => {
    data = Buffer.concat([data, more]);
    while (data.length >= 5 && data.length >= 5 + data.readUInt32BE(0)) {
      const payload = data.subarray(5, 5 + data.readUInt32BE(0));
      on(socket, data[4], payload);
      data = data.subarray(5 + payload.length);
    }
  });
};
talk({ protocol: 1, state: 'idle', task: null }, (first, type, payload) => {
  if (type !== 1) return;
  const { task } = JSON.parse(payload);
  first.destroy();
  talk({ protocol: 1, state: 'ended', task }, (socket, type, payload) => {
    if (type !== 6) return;
    const held = JSON.parse(payload);
    const output = (name) => {
      const kept = readFileSync('/tmp/agent/' + name).subarray(0, held[name]);
      return { bytes: kept.length, sha256: createHash('sha256').update(kept).digest('hex'), dropped: 0 };
    };
    const passed = { exit_code: 0, duration_ms: 1 };
    socket.write(frame(0x89, {
      task, exit_code: 0, reason: 'finished', message: 'finished', checks: [passed, passed],
      tokens: { prompt: 0, completion: 0, requests: 0 }, stdout: output('stdout'), stderr: output('stderr'),
      bundles: [], artifacts: [],
    }));
  });
});
setTimeout(() => process.exit(1), 5_000);
`;

test('a condition that speaks to the runner in the agent’s place changes no verdict', async () => {
  const ground = new RebaseGround(join(sandboxes.folder, 'hostile'), 'demo', { 'forge.mjs': forger });
  const { rebase: _, ...frame } = ground.rebase().frame;
  const repositories = [{ frame, pack: ground.rebase().pack }];
  const conditions = ['exit 1', 'node forge.mjs'];
  const sandbox = await sandboxes.start();
  const result = await assigner.run(sandbox, { mode: 'verify', command: [], conditions, repositories });
  expect(result.end.checks?.map(({ exit_code }) => exit_code)).toEqual([1, 1]);
});

test('a condition cannot reach into the agent’s memory', async () => {
  const peek = `node -e "require('node:fs').openSync('/proc/' + process.env.AGENT + '/mem', 'r+')"`;
  const result = await assigner.run(await sandboxes.start(), {
    mode: 'verify',
    command: [],
    conditions: [`AGENT=$PPID ${peek} 2>&1 | grep -q EACCES`],
  });
  expect(result.end.checks?.map(({ exit_code }) => exit_code)).toEqual([0]);
});
