import { existsSync, writeFileSync } from 'node:fs';
import { decodeChunk } from '@countersign/contracts/frame-codec.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { nothingHeld, sha256 } from '../testing/runner-double.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});
async function begin(script: string, changes: Parameters<typeof shellTask>[2] = {}) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const link = await sandbox.runner.accept();
  await link.hello();
  link.sendTask(shellTask(sandbox, script, changes), [], [sandbox.repository.pack]);
  return { sandbox, link };
}

describe('a connection that is cut', () => {
  it('while the tool runs: the tool goes on, and the runner gets what it lacks', async () => {
    const { sandbox, link } = await begin('echo before; while [ ! -e "$HOME/go" ]; do sleep 0.05; done; echo after');
    let seen = '';
    while (!seen.includes('before')) {
      const frame = await link.next();
      if (frame?.name === 'output') seen += decodeChunk(frame.payload).data.toString();
    }
    link.close();
    const second = await sandbox.runner.accept();
    expect(await second.hello()).toEqual({ protocol: 1, state: 'busy', task: 'abcde' });
    second.send('resend', { task: 'abcde', ...nothingHeld, stdout: seen.length });
    writeFileSync(`${sandbox.paths.home}/go`, '');
    const { stdout, end } = await second.receive();
    expect(seen + stdout.toString()).toBe('before\nafter\n');
    expect(end.stdout.sha256).toBe(sha256(Buffer.from('before\nafter\n')));
  });

  it('in the middle of a bundle: it goes on from the offset that the runner names, and is whole', async () => {
    const { sandbox, link } = await begin('head -c 20000000 /dev/urandom > big.bin');
    const held: Buffer[] = [];
    while (held.length < 3) {
      const frame = await link.next();
      if (frame?.name === 'bundle') held.push(Buffer.from(decodeChunk(frame.payload).data));
    }
    link.close();
    const have = Buffer.concat(held);
    const second = await sandbox.runner.accept();
    expect(await second.hello()).toEqual({ protocol: 1, state: 'ended', task: 'abcde' });
    second.send('resend', { task: 'abcde', ...nothingHeld, bundles: [have.length] });
    const { bundles, end } = await second.receive();
    const whole = Buffer.concat([have, ...bundles]);
    expect(whole.length).toBeGreaterThan(20_000_000);
    expect(sha256(whole)).toBe(end.bundles[0]?.sha256);
    second.send('ack', { task: 'abcde' });
    expect(await sandbox.over).toBe('acknowledged');
  });

  it('after the end: it holds everything, and takes an ack at once', async () => {
    const { sandbox, link } = await begin('echo x > x');
    await link.receive();
    link.close();
    const second = await sandbox.runner.accept();
    expect((await second.hello()).state).toBe('ended');
    second.send('ack', { task: 'abcde' });
    expect(await sandbox.over).toBe('acknowledged');
  });

  it('by the sandbox, when the runner claims bytes that never were', async () => {
    const { sandbox, link } = await begin('echo x');
    await link.receive();
    link.send('resend', { task: 'abcde', ...nothingHeld, stdout: 1_000 });
    expect(await link.next()).toBeUndefined();
    expect((await (await sandbox.runner.accept()).hello()).state).toBe('ended');
  });

  it('by nobody: a resend in the middle of a connection starts over from there, and repeats the end', async () => {
    const { link } = await begin('echo hello; echo x > x; echo s > "$COUNTERSIGN_TASK_FOLDER/out/agent-summary.md"');
    const first = await link.receive();
    link.send('resend', { task: 'abcde', ...nothingHeld, stdout: 6 });
    const again = await link.receive();
    expect(again.stdout.length).toBe(0);
    expect(again.bundles).toEqual(first.bundles);
    expect(again.texts).toEqual({ summary: 's\n' });
    expect(again.end).toEqual(first.end);
  });

  it('an ack before the end is refused, and the work goes on', async () => {
    const { sandbox, link } = await begin('sleep 0.5; echo done');
    link.send('ack', { task: 'abcde' });
    while ((await link.next()) !== undefined);
    const second = await sandbox.runner.accept();
    expect((await second.hello()).state).toBe('busy');
    second.send('resend', { task: 'abcde', ...nothingHeld });
    expect((await second.receive()).stdout.toString()).toBe('done\n');
  });
});

describe('a slow runner', () => {
  it('never holds the tool up: it ends while nobody reads', async () => {
    const { sandbox, link } = await begin('head -c 8000000 /dev/zero; touch "$HOME/ended"', {
      output_bytes: 16_000_000,
    });
    link.socket.pause();
    await expect.poll(() => existsSync(`${sandbox.paths.home}/ended`), { timeout: 10_000 }).toBe(true);
    const { stdout } = await link.receive();
    expect(stdout.length).toBe(8_000_000);
  });
});
