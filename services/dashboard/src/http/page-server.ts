import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { dashboardLimits } from '../limits.ts';

/** What the parser refuses before there is a request, by its error's code. */
const statusOf: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

type ServerLimits = Readonly<
  Record<
    'headerBytes' | 'headers' | 'headersMs' | 'requestMs' | 'requestCheckMs' | 'keepAliveMs' | 'connections',
    number
  >
>;

/** The HTTP server, not yet listening: Node's strict parser, and everything that a peer could hold open or fill has a bound. */
export function createPageServer(app: RequestListener, limits: ServerLimits = dashboardLimits): Server {
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      insecureHTTPParser: false,
      // A request without one is refused where the others are.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.requestCheckMs,
      keepAliveTimeout: limits.keepAliveMs,
    },
    (request, response) => {
      answers.set(request.socket, response);
      response.once('close', () => answers.delete(request.socket));
      app(request, response);
    },
  );
  server.maxConnections = limits.connections;
  server.maxHeadersCount = limits.headers;
  server.timeout = 0;
  server.on('connect', (_request, socket) => endSocket(socket, 405));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket);
    // Words about a second request would stand in the middle of the answer to the first, or in its place.
    const isAnswered = answer !== undefined && (answer.headersSent || answer.req.complete);
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) socket.destroy();
    else endSocket(socket, statusOf[error.code ?? ''] ?? 400);
  });
  return server;
}

function endSocket(socket: Duplex, status: number): void {
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: 0\r\ncache-control: no-store\r\n\r\n`,
    () => socket.destroy(),
  );
}
