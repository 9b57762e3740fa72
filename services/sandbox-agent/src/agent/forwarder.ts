import { connect, createServer, type Server } from 'node:net';
import { agentLimits } from './limits.ts';

/**
 * Makes the slot's model socket reachable as a local Ollama, byte for byte. While the socket does not exist, a connection is
 * taken and closed again without a byte.
 * @param port 11434 in the sandbox; 0 takes a free one
 */
export async function forwardModel(socketPath: string, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const model = connect({ path: socketPath, allowHalfOpen: true });
    const end = () => {
      client.destroy();
      model.destroy();
    };
    client.on('error', end);
    model.on('error', end);
    client.pipe(model);
    model.pipe(client);
  });
  server.maxConnections = agentLimits.modelConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  return server;
}
