import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { beginAttempt } from '../testing/attempt-ground.ts';
import { endOf } from '../testing/fake-sandbox.ts';
import { scratchFolder } from '../testing/scratch.ts';

// Git, imports and saved diffs are real, and a machine may be busy.
vi.setConfig({ testTimeout: 60_000 });

test('S069 whatever links lie where a result is written down, none is written through', async () => {
  const ground = await beginAttempt();
  const { sandbox, task } = await ground.takeTask();
  const outside = scratchFolder();
  const folder = ground.attemptFolder();
  const names = ['agent-summary.md', 'agent-handoff.yaml', 'handoff.yaml', 'artifacts/0', 'artifacts/1'];
  mkdirSync(join(folder, 'artifacts'));
  for (const [index, name] of names.entries()) {
    writeFileSync(join(outside, `${index}`), 'precious');
    symlinkSync(join(outside, `${index}`), join(folder, name));
  }
  const artifacts = [Buffer.from('one'), Buffer.from('two')];
  for (const [index, artifact] of artifacts.entries()) sandbox.chunk('artifact', index, artifact);
  sandbox.text('summary', 'I did it');
  sandbox.text('handoff', 'what: it is done\n');
  sandbox.say('end', endOf(task.task, { artifacts }));
  await ground.activity.finished;
  expect(ground.now().state).toMatchObject({ status: 'done' });
  for (const [index, name] of names.entries()) {
    expect(readFileSync(join(outside, `${index}`), 'utf8')).toBe('precious');
    expect(lstatSync(join(folder, name)).isFile()).toBe(true);
  }
  expect(readFileSync(join(folder, 'agent-summary.md'), 'utf8')).toContain('> I did it');
  expect(readFileSync(join(folder, 'artifacts/1'), 'utf8')).toBe('two');
});
