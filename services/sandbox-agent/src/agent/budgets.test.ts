import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const mib = 1024 * 1024;
const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

type Disk = { usedBytes: number; looked?: () => Promise<unknown> };

/** A file system that is as full as the test says. */
async function begin(script: string, changes: Parameters<typeof shellTask>[2], disk: Disk = { usedBytes: 0 }) {
  const measureDisk = async () => {
    const { usedBytes } = disk;
    await disk.looked?.();
    return { usedBytes, totalBytes: 1_000 * mib };
  };
  const sandbox = await startSandbox({ measureDisk });
  open.push(sandbox);
  const link = await sandbox.runner.accept();
  await link.hello();
  link.sendTask(shellTask(sandbox, script, changes), [], [sandbox.repository.pack]);
  const appears = (name: string) =>
    expect.poll(() => existsSync(`${sandbox.paths.home}/${name}`), { timeout: 10_000 }).toBe(true);
  return { link, appears };
}

describe('a budget of output', () => {
  const budget = { output_bytes: 1_000, disk_bytes: null };

  it('S055 ends the tool, which may save its work, and keeps no more of both streams together', async () => {
    const { link } = await begin(
      `trap 'echo saved > work.txt; exit 3' INT; head -c 600 /dev/zero; head -c 600 /dev/zero >&2; while :; do sleep 0.05; done`,
      { budget, output_bytes: 1_000 },
    );
    const { end, stdout, stderr, bundles } = await link.receive();
    expect(end).toMatchObject({
      exit_code: 3,
      reason: 'stopped',
      error_class: 'budget_output',
      exceeded: { limit: 1_000, used: 1_200 },
    });
    expect(end.message).toMatch(/more than 1000 bytes of output/);
    expect(stdout.length + stderr.length).toBe(1_000);
    expect(end.stdout.dropped + end.stderr.dropped).toBe(200);
    expect(bundles).toHaveLength(1);
  });

  it('counts what is not kept for another reason', async () => {
    const { link } = await begin('echo x > x; head -c 5000 /dev/zero; sleep 60', { budget, output_bytes: 10 });
    expect((await link.receive()).end).toMatchObject({ error_class: 'budget_output', stdout: { bytes: 10 } });
  });

  it('is not exceeded by as much as it has', async () => {
    const { link } = await begin('head -c 1000 /dev/zero', { budget });
    expect((await link.receive()).end).toMatchObject({ reason: 'finished', stdout: { bytes: 1_000, dropped: 0 } });
  });
});

describe('a budget of the disk', () => {
  const save = `trap 'echo saved > work.txt; exit 3' INT; touch "$HOME/ready"; while :; do sleep 0.05; done`;

  it('ends the tool, and its work is kept', async () => {
    const disk = { usedBytes: 10 * mib };
    const { link, appears } = await begin(save, { budget: { output_bytes: null, disk_bytes: 100 * mib } }, disk);
    await appears('ready');
    disk.usedBytes = 101 * mib;
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({
      exit_code: 3,
      reason: 'stopped',
      error_class: 'budget_disk',
      exceeded: { limit: 100 * mib, used: 101 * mib },
      disk_bytes: 101 * mib,
    });
    expect(bundles).toHaveLength(1);
  });

  it.each([null, 5_000 * mib])('of %s is what there is, less a reserve for git', async (disk_bytes) => {
    const disk = { usedBytes: 936 * mib };
    const { link, appears } = await begin(save, { budget: { output_bytes: null, disk_bytes } }, disk);
    await appears('ready');
    disk.usedBytes += 1;
    expect((await link.receive()).end).toMatchObject({ error_class: 'budget_disk', exceeded: { limit: 936 * mib } });
  });

  it('is looked at once more when the tool has ended', async () => {
    const disk: Disk = { usedBytes: 0 };
    // The first look lasts until the tool has filled it and gone.
    disk.looked = async () => {
      if (disk.usedBytes === 0) await sleep(1_500);
      disk.usedBytes = 2_000 * mib;
    };
    const { link } = await begin('echo x > x', { budget: { output_bytes: null, disk_bytes: null } }, disk);
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ exit_code: 0, error_class: 'budget_disk' });
    expect(bundles).toHaveLength(1);
  });
});

it('S057 a hostile tool that ignores SIGINT and SIGTERM is killed at its limit, and its work is kept', async () => {
  const { link } = await begin(
    `trap '' INT TERM; echo kept > work.txt; while :; do head -c 900 /dev/zero; sleep 0.05; done`,
    {
      budget: { output_bytes: 1_000, disk_bytes: null },
      interrupt_ms: 200,
      terminate_ms: 200,
    },
  );
  const { end, bundles } = await link.receive();
  expect(end).toMatchObject({ exit_code: null, reason: 'stopped', error_class: 'budget_output' });
  expect(bundles).toHaveLength(1);
});

it('a tool cannot say itself that it has used its budget up', async () => {
  const { link } = await begin(
    `echo '{"error_class":"budget_disk","message":"x"}' > "$COUNTERSIGN_TASK_FOLDER/out/error.json"; exit 5`,
    {},
  );
  expect((await link.receive()).end).toMatchObject({ error_class: 'tool_failed' });
});
