import { connect, createServer, type Server, type Socket } from 'node:net';

/** Visitors at a time; one more is hung up on. A hundred open streams, and what else their pages ask for. */
const doorConnections = 256;

/**
 * Passes each connection on to a unix socket, byte for byte in both directions, and reads none of them. Either side may say that it has
 * no more to send while the other one goes on; when one is gone, so is the other. Where nobody listens at the socket, the visitor
 * is hung up on.
 */
export function createDoor(pageSocket: string, connections = doorConnections): Server {
  const door = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (visitor) => {
    const page = connect({ path: pageSocket, allowHalfOpen: true });
    join(visitor, page);
    join(page, visitor);
  });
  door.maxConnections = connections;
  return door;
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  // What it has sent by then still arrives.
  from.on('close', () => to.destroySoon());
}
