import { expect, test } from 'vitest';
import { Gateway, Launcher } from '../sandbox/clients.ts';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { Dependencies } from './dependencies.ts';

async function begin(leastBytes: number, path?: string) {
  const home = makeHome();
  const context = await openContext(home);
  await using launcher = new Launcher('/nonexistent/launcher.sock');
  await using gateway = new Gateway('/nonexistent/gateway.sock');
  const dependencies = new Dependencies(launcher, gateway, ['default'], context.journal, {
    path: path ?? home.home,
    leastBytes,
  });
  await dependencies.refresh();
  return { state: dependencies.state, events: eventsOf(home.layout.ownJournal) };
}

test('with room on the disk nothing waits for it', async () => {
  const { state } = await begin(1);
  expect(state.disk).toMatchObject({ ok: true, freeBytes: expect.any(Number) });
});

test('with less room than is wanted nothing begins, and the reason names the setting and the way to more', async () => {
  const { state } = await begin(2 ** 60);
  expect(state.disk).toEqual({
    ok: false,
    reason: expect.stringMatching(/room on the disk.*MIN_FREE_DISK_MB.*countersign clean/),
  });
});

test('a disk that cannot be asked lets nothing begin', async () => {
  const { state } = await begin(1, '/nonexistent/volumes');
  expect(state.disk).toMatchObject({ ok: false, reason: expect.stringMatching(/not known.*ENOENT/) });
});

test('a launcher and a gateway that do not answer are reasons, and the model’s is told once in the journal', async () => {
  const { state, events } = await begin(1);
  expect(state.launcher).toMatchObject({ ok: false, reason: expect.stringMatching(/launcher cannot start sandboxes/) });
  expect(state.model).toMatchObject({ ok: false, reason: expect.stringMatching(/gateway cannot be reached/) });
  expect(events.filter(({ event }) => event === 'model_changed')).toHaveLength(1);
});
