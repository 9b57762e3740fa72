import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forwardSocket } from './forwarder.ts';

let folder = '';
let forwarder: Server;
const path = () => join(folder, 'ollama.sock');
const port = () => (forwarder.address() as AddressInfo).port;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forwarder-'));
  forwarder = await forwardSocket(path(), 0);
});
afterEach(() => {
  forwarder.close();
  rmSync(folder, { recursive: true, force: true });
});

it('closes a connection cleanly while there is no model, and forwards once there is one', async () => {
  await expect(fetch(`http://127.0.0.1:${port()}/`)).rejects.toThrow('fetch failed');
  const model = createHttpServer((request, response) => void request.pipe(response));
  model.listen(path());
  await once(model, 'listening');
  const body = 'x'.repeat(300_000);
  const response = await fetch(`http://127.0.0.1:${port()}/`, { method: 'POST', body });
  expect(await response.text()).toBe(body);
  model.closeAllConnections();
  model.close();
});

it('passes the end of one side on, and leaves the other open', async () => {
  const model = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().on('end', () => socket.end('after your end'));
  });
  model.listen(path());
  await once(model, 'listening');
  const client = connect({ port: port(), host: '127.0.0.1' });
  client.end('all I have to say');
  let heard = '';
  for await (const data of client) heard += String(data);
  expect(heard).toBe('after your end');
  model.close();
});
