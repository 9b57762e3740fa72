import { connect, createServer, type Server } from 'node:net';
import { agentLimits } from './limits.ts';

/**
 * Makes one of the slot's sockets reachable as a local server, byte for byte. While the socket does not exist, a connection is
 * taken and closed again without a byte.
 * @param port 11434, Ollama's, or 8008, Synapse's, in the sandbox; 0 takes a free one
 */
export async function forwardSocket(socketPath: string, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    const end = () => {
      client.destroy();
      socket.destroy();
    };
    client.on('error', end);
    socket.on('error', end);
    client.pipe(socket);
    socket.pipe(client);
  });
  server.maxConnections = agentLimits.forwardedConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  return server;
}
