import type { ToldOrder } from '@countersign/contracts/launcher-api.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import { expect, test } from 'vitest';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { OrderTeller } from './order-teller.ts';
import { OwnPast } from './own-past.ts';

const open = async (journal: Journal, launcher: ConstructorParameters<typeof OrderTeller>[1]) =>
  new OrderTeller(journal, launcher, (await OwnPast.read(journal.path)).serviceOrders);

const stopped: ToldOrder = {
  id: 'order-00000000000001',
  kind: 'service_stop',
  service: 'runner',
  user: 'operator',
  evidence: 'request 1',
  at: '2026-11-20T10:00:00.000Z',
  done: true,
  message: 'it is exited',
};
const refused: ToldOrder = { ...stopped, at: '2026-11-20T10:00:01.000Z', done: false, message: 'taken already' };

test('W23 what the launcher was ordered stands in the journal once, also when the runner was what it stopped', async () => {
  const home = makeHome();
  const context = await openContext(home);
  const launcher = { orders: async () => [stopped, refused] };
  const teller = await open(context.journal, launcher);
  await teller.tell();
  await teller.tell();
  await context.close();
  const again = await openContext(home);
  await (await open(again.journal, launcher)).tell();
  expect(eventsOf(home.layout.ownJournal)).toMatchObject([
    {
      event: 'service_order',
      summary: 'operator had runner stopped: it is exited',
      data: { order: stopped.id, kind: 'service_stop', service: 'runner', user: 'operator', done: true },
    },
    { event: 'service_order', summary: 'operator asked to stop runner, which was refused: taken already' },
  ]);
});

test('a launcher that does not answer holds up nothing', async () => {
  const { journal } = await openContext(makeHome());
  const orders = async () => {
    throw new ServiceError('unreachable', 'no launcher');
  };
  await (await open(journal, { orders })).tell();
  expect(eventsOf(journal.path)).toEqual([]);
});
